import { release } from '../archive/collect.ts';
import { packLayers } from '../archive/pack/pack-layers.ts';
import type { PackedTree } from '../archive/pack/write-tree.ts';
import type { Changes } from '../archive/tree/changes.ts';
import { splitChanges } from '../archive/tree/split.ts';
import type { Tree } from '../archive/tree/tree.ts';
import type { History } from '../oci/config.ts';
import type { StoredManifest } from '../oci/manifest.ts';
import type { Baseline } from './baseline.ts';
import { bringLayers } from './bring.ts';
import { artifactAnnotations, composeManifest, writeConfig } from './compose.ts';
import { coverOf, pathsAnnotation } from './cover.ts';
import type { Form } from './form.ts';
import { diffIdAnnotation, type WorkspaceLayer } from './image.ts';
import { mapAnnotation, mapText } from './map-place.ts';
import type { ImageOptions } from './options.ts';
import type { Progress } from './progress.ts';
import type { Place, Registries } from './reference.ts';
import { together } from './together.ts';
import { tarSizeAnnotation } from './weight.ts';

export interface SendOptions extends ImageOptions {
  registries: Registries;
  progress: Progress;
  signal?: AbortSignal | undefined;
}

/** An image that is there but for its manifest. */
export interface Sent {
  manifest: StoredManifest & { kind: 'image' };
  /** Unset for an artifact. */
  configBytes: Buffer | undefined;
  changes: Changes;
  /** New ones. */
  layers: number;
  /** Their bytes, packed. */
  size: number;
}

/** Packs changes into new layers, sent while they are packed and side by side; brings those below; writes the config. */
export async function sendImage(
  place: Place,
  tree: Tree,
  { parents, below, changes }: Baseline,
  form: Form,
  options: SendOptions,
): Promise<Sent> {
  const { signal, registries, created, createdBy, labels = {}, annotations = {} } = options;
  const { compression, artifact } = form;
  const write = {
    compression,
    times: options.times ?? ('nanoseconds' as const),
    owner: options.owner === 'keep' ? undefined : (options.owner ?? { uid: 0, gid: 0 }),
    progress: (bytes: number, changes: number) => options.progress.add(bytes, changes),
  };
  // An image has at least one layer, be it of nothing (image-spec, manifest.md "layers").
  const isNeeded = changes.length > 0 || below.length === 0;
  const parts = isNeeded ? splitChanges(changes) : [];
  const made: History = {
    ...(created === undefined ? {} : { created }),
    ...(createdBy === undefined ? {} : { created_by: createdBy }),
  };
  const common = {
    // What was done without a layer, such as a merge, is told as well (image-spec, config.md "history").
    after: isNeeded ? [] : [{ ...made, empty_layer: true }],
    parents,
    created,
    labels,
    artifact,
  };
  const configWith = (packed: readonly PackedTree[], signal: AbortSignal | undefined) => {
    const layers = [...below, ...packed.map(({ diffId }) => ({ diffId, history: [made] }))];
    return writeConfig(place.target, { ...common, layers }, signal);
  };
  const [layers, covers, first] = await together(signal, (signal) => {
    const packing = packLayers(tree, parts, { ...write, signal }, (mediaType, open, signal) =>
      place.target.writeStream(mediaType, open, { signal, written: release }),
    );
    return [
      packing.layers,
      // While the threads pack.
      parts.map(coverOf),
      // While the last layers are sent.
      packing.packed.then(async (packed) => ({ packed, config: await configWith(packed, signal) })),
      bringLayers(below, place, registries, signal),
    ];
  });
  const isSame = layers.every(({ diffId }, i) => diffId === first.packed[i]?.diffId);
  const config = isSame ? first.config : await configWith(layers, signal);
  const added = layers.map(({ descriptor, diffId, tarSize, map }, i): WorkspaceLayer => {
    const cover = covers[i];
    const annotations = {
      [tarSizeAnnotation]: String(tarSize),
      ...(cover === undefined ? {} : { [pathsAnnotation]: cover }),
      ...(map === undefined ? {} : { [mapAnnotation]: mapText(map) }),
      ...(artifact ? { [diffIdAnnotation]: diffId } : {}),
    };
    return { descriptor: { ...descriptor, annotations }, diffId, from: place.name, history: [made] };
  });
  const own = artifact ? { ...artifactAnnotations({ created, labels }), ...annotations } : annotations;
  const all = [...below, ...added];
  const manifest = composeManifest({ parents, artifact, layers: all, annotations: own }, config.descriptor);
  const size = layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  return { manifest, configBytes: config.bytes, changes, layers: layers.length, size };
}
