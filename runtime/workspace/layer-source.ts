import type { LayerParts } from '../archive/part.ts';
import type { LayerSource } from '../archive/read-layer.ts';
import type { Digest } from '../oci/digest.ts';
import type { WorkspaceLayer } from './image.ts';
import { mapOf } from './map-place.ts';
import { openPlace, type Place, type Registries } from './reference.ts';

type Opener = (from: string) => Promise<Place>;

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
