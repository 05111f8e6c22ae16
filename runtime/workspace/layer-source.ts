import type { LayerParts } from '../archive/layer/part.ts';
import type { LayerSource } from '../archive/layer/read-layer.ts';
import type { Digest } from '../oci/digest.ts';
import type { WorkspaceImage, WorkspaceLayer } from './image.ts';
import { mapOf } from './map-place.ts';
import { openPlace, type Place, type Registries } from './reference.ts';

export type Opener = (from: string) => Promise<Place>;

/** Opens the places of layers, each once. */
export function layerOpener(registries: Registries): Opener {
  const places = new Map<string, Promise<Place>>();
  return (from) => {
    const place = places.get(from) ?? openPlace(from, registries);
    places.set(from, place);
    return place;
  };
}

export function layerName({ descriptor, from }: WorkspaceLayer): string {
  return `${descriptor.digest} of ${from}`;
}

/** Finds a layer that images were made from, in the places that they are in. */
export function layerFinder(images: readonly WorkspaceImage[], open: Opener, signal: AbortSignal | undefined) {
  return async (digest: Digest): Promise<(LayerSource & { digest: Digest }) | undefined> => {
    for (const from of new Set(images.map((image) => image.from))) {
      const { target } = await open(from);
      const descriptor = await target.findBlob(digest, { signal });
      if (descriptor !== undefined) return sourceLayer({ descriptor, diffId: undefined, from, history: [] }, open);
    }
    return undefined;
  };
}

/** What the extraction reads of a layer. */
export function sourceLayer(layer: WorkspaceLayer, open: Opener): LayerSource & { digest: Digest } {
  const { descriptor, diffId, from } = layer;
  const map = mapOf(layer);
  const read: LayerParts['read'] = async (start, length, signal) =>
    (await open(from)).target.readRange(descriptor, start, length, { signal, strict: true });
  return {
    name: layerName(layer),
    digest: descriptor.digest,
    size: descriptor.size,
    diffId,
    ...(map === undefined ? {} : { parts: { ...map, read } }),
    open: async (signal) => (await open(from)).target.readBlob(descriptor, { signal }),
  };
}
