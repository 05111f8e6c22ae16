import { type Lineage, noLineage } from '../archive/merge/lineage.ts';
import { type History, type ImageConfig, readConfig } from '../oci/config.ts';
import { readSmall } from '../oci/copy.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { type Descriptor, mediaTypes, readManifest, type StoredManifest } from '../oci/manifest.ts';
import type { Options } from '../oci/target.ts';
import { isFields } from '../shape.ts';
import { lineageIn } from './lineage.ts';
import { byDigest, type Place } from './reference.ts';

/** Digest of a layer's tar, on its descriptor: an artifact has no config that would tell it. */
export const diffIdAnnotation = 'subpipe.dev/diff-id';

/** A layer, where it is, and what its image's history says of it. */
export interface WorkspaceLayer {
  descriptor: Descriptor;
  /** Unset for layers of artifacts that others made. */
  diffId: Digest | undefined;
  /** Name of the place that has it. */
  from: string;
  /** The entry of the layer, after those of empty layers before it. */
  history: readonly History[];
}

/** An image, an artifact or a single blob, with all that a push on top of it has to know. */
export interface WorkspaceImage {
  /** What the user called it. */
  given: string;
  /** Name of its place. */
  from: string;
  /** By digest: `repo@sha256:…`. */
  name: string;
  digest: Digest;
  /** Unset for a single blob. */
  manifest: StoredManifest | undefined;
  /** Unset for artifacts and blobs. */
  config: ImageConfig | undefined;
  configBytes: Buffer | undefined;
  /** The lowest first. */
  layers: readonly WorkspaceLayer[];
  /** What it stands for besides, see `lineageAnnotation`. */
  lineage: Lineage;
}

/** Reads what an image's manifest points at, but for its layers. */
export async function readWorkspaceImage(
  given: string,
  place: Place,
  manifest: StoredManifest & { kind: 'image' },
  options: Options,
): Promise<WorkspaceImage> {
  const { config } = manifest.value;
  const bytes = isConfigType(config.mediaType) ? await readSmall(place.target, config, options) : undefined;
  return imageOf(given, place.name, manifest, bytes);
}

/** An image from its bytes, as they were read or kept. @throws SubpipeError `FAILED` when the config is none. */
export function imageOf(
  given: string,
  from: string,
  manifest: StoredManifest & { kind: 'image' },
  configBytes: Buffer | undefined,
): WorkspaceImage {
  const name = byDigest({ name: from }, manifest.descriptor.digest);
  const config = configBytes === undefined ? undefined : readConfig(configBytes, name);
  const diffIds = config?.rootfs.diff_ids ?? [];
  const { layers } = manifest.value;
  const isImage = diffIds.length === layers.length;
  const histories = historiesOf(layers.length, config?.history ?? []);
  return {
    given,
    from,
    name,
    digest: manifest.descriptor.digest,
    manifest,
    config: isImage ? config : undefined,
    configBytes: isImage ? configBytes : undefined,
    layers: layers.map((descriptor, i) => ({
      descriptor: ociLayer(descriptor),
      diffId: isImage ? diffIds[i] : diffIdOf(descriptor),
      from,
      history: histories[i] ?? [],
    })),
    lineage: lineageIn(manifest),
  };
}

/** Whether more layers can be put on top: of all that there are it is known what they are unpacked. */
export function isBase({ manifest, layers }: WorkspaceImage): boolean {
  return manifest !== undefined && layers.every(({ diffId }) => diffId !== undefined);
}

function diffIdOf({ annotations }: Descriptor): Digest | undefined {
  const text = annotations?.[diffIdAnnotation] ?? '';
  return isDigest(text) ? text : undefined;
}

/** A blob that is a tar by itself, as trusted artifacts of Konflux are named. */
export function blobImage(given: string, place: Place, descriptor: Descriptor): WorkspaceImage {
  const { name: from } = place;
  const { digest } = descriptor;
  const layers = [{ descriptor, diffId: undefined, from, history: [] }];
  const name = byDigest(place, digest);
  const none = { manifest: undefined, config: undefined, configBytes: undefined };
  return { given, from, name, digest, ...none, layers, lineage: noLineage };
}

/** What a state file keeps of an image, so that a push needs to ask nobody. Of a blob there is nothing to keep. */
export function keptImage(image: WorkspaceImage): Record<string, unknown> {
  const { given, from, manifest, configBytes } = image;
  if (manifest === undefined) return {};
  return {
    given,
    from,
    manifest: manifest.bytes.toString('utf8'),
    mediaType: manifest.descriptor.mediaType,
    ...(configBytes === undefined ? {} : { config: configBytes.toString('utf8') }),
  };
}

/** The image that {@link keptImage} kept; undefined for a blob, which is nothing to push on top of. */
export function imageKept(value: unknown): WorkspaceImage | undefined {
  if (!isFields(value)) return undefined;
  const { given, from, manifest, mediaType, config } = value;
  if (typeof given !== 'string' || typeof from !== 'string') return undefined;
  if (typeof manifest !== 'string' || typeof mediaType !== 'string') return undefined;
  const stored = readManifest(Buffer.from(manifest), mediaType, from);
  if (stored.kind !== 'image') return undefined;
  return imageOf(given, from, stored, typeof config === 'string' ? Buffer.from(config) : undefined);
}

function isConfigType(mediaType: string): boolean {
  return mediaType === mediaTypes.config || mediaType === 'application/vnd.docker.container.image.v1+json';
}

/** Docker's layers are the same bytes under the OCI's names; a manifest should not mix the two. */
function ociLayer(layer: Descriptor): Descriptor {
  const names: Record<string, string> = {
    'application/vnd.docker.image.rootfs.diff.tar': mediaTypes.layer,
    'application/vnd.docker.image.rootfs.diff.tar.gzip': mediaTypes.layerGzip,
    'application/vnd.docker.image.rootfs.diff.tar.zstd': mediaTypes.layerZstd,
  };
  return { ...layer, mediaType: names[layer.mediaType] ?? layer.mediaType };
}

/**
 * What the history says of each layer (image-spec, config.md "history"): entries that are not `empty_layer` stand for
 * layers, in their order. One that does not fit is not believed.
 */
function historiesOf(count: number, history: readonly History[]): History[][] {
  const layers: History[][] = [];
  let pending: History[] = [];
  for (const entry of history) {
    pending.push(entry);
    if (entry.empty_layer === true) continue;
    layers.push(pending);
    pending = [];
  }
  if (layers.length !== count) return Array.from({ length: count }, () => [{}]);
  // Those after the last layer stay behind it.
  layers.at(-1)?.push(...pending);
  return layers;
}
