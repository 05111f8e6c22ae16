import { Readable } from 'node:stream';
import { parentsAnnotationOf } from '../oci/announce.ts';
import type { History, ImageConfig } from '../oci/config.ts';
import { digestOf } from '../oci/digest.ts';
import { type Descriptor, mediaTypes, type StoredManifest, storeManifest } from '../oci/manifest.ts';
import type { Target } from '../oci/target.ts';
import { createdAnnotation } from './cache/tag.ts';
import type { WorkspaceImage, WorkspaceLayer } from './image.ts';
import { lineageAnnotationOf, linedOf } from './lineage.ts';

/** What a workspace is called where it is no image (image-spec, manifest.md "Guidelines for Artifact Usage"). */
export const artifactType = 'application/vnd.subpipe.workspace.v1';

/** How long Quay, and `subpipe workspace gc`, keep an image. */
export const expiryLabel = 'quay.expires-after';

const emptyConfig = { mediaType: 'application/vnd.oci.empty.v1+json', bytes: Buffer.from('{}') };

export interface ConfigPlan {
  layers: readonly Pick<WorkspaceLayer, 'diffId' | 'history'>[];
  /** What was done after the last layer, without one. */
  after: readonly History[];
  /** What it was made from; the first one's settings stay. */
  parents: readonly WorkspaceImage[];
  /** RFC 3339; without it the same content has the same digest. */
  created?: string | undefined;
  labels: Record<string, string>;
  /** No image for container engines, but an artifact of OCI 1.1. */
  artifact: boolean;
}

export interface ImagePlan extends Pick<ConfigPlan, 'parents' | 'artifact'> {
  layers: readonly WorkspaceLayer[];
  annotations: Record<string, string>;
}

/** A config that is written. */
export interface WrittenConfig {
  descriptor: Descriptor;
  /** Unset for an artifact. */
  bytes: Buffer | undefined;
}

/** Writes the config of a workspace's image: what it says of its layers is known before they are sent. */
export async function writeConfig(
  target: Target,
  plan: ConfigPlan,
  signal: AbortSignal | undefined,
): Promise<WrittenConfig> {
  const { artifact } = plan;
  const bytes = artifact ? emptyConfig.bytes : Buffer.from(JSON.stringify(configOf(plan)));
  const mediaType = artifact ? emptyConfig.mediaType : mediaTypes.config;
  const descriptor: Descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  await target.writeBlob(descriptor, () => Readable.from([bytes]), { signal });
  return { descriptor, bytes: artifact ? undefined : bytes };
}

/** The manifest of a workspace's image, which is not written yet. */
export function composeManifest(
  { layers, parents, artifact, ...plan }: ImagePlan,
  config: Descriptor,
): StoredManifest & { kind: 'image' } {
  const descriptors = layers.map(({ descriptor }) => descriptor);
  const annotations = {
    ...parentsAnnotationOf(parents.map(({ digest }) => digest)),
    ...lineageAnnotationOf(descriptors, parents.map(linedOf)),
    ...plan.annotations,
  };
  const manifest = storeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    ...(artifact ? { artifactType } : {}),
    config,
    layers: descriptors,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations: sorted(annotations) }),
  });
  if (manifest.kind !== 'image') throw new Error('unreachable: an image was stored');
  return manifest;
}

/** image-spec, config.md. The platform of a first image is always the same: its files are of none. */
function configOf({ layers, after, parents, created, labels }: ConfigPlan): ImageConfig {
  const base = parents[0]?.config;
  // What others are made from may be gone before they are.
  const { Labels: { [expiryLabel]: _expiry, ...inherited } = {}, ...run } = base?.config ?? {};
  const allLabels = { ...inherited, ...labels };
  const history: History[] = [...layers.flatMap((layer) => [...layer.history]), ...after];
  return {
    ...(created === undefined ? {} : { created }),
    os: base?.os ?? 'linux',
    architecture: base?.architecture ?? 'amd64',
    ...(base?.variant === undefined ? {} : { variant: base.variant }),
    config: { ...run, ...(Object.keys(allLabels).length === 0 ? {} : { Labels: sorted(allLabels) }) },
    rootfs: { type: 'layers', diff_ids: layers.flatMap(({ diffId }) => diffId ?? []) },
    history,
  };
}

/** What an artifact has no config for: the time, and labels, as annotations of its manifest. Quay reads its own there too. */
export function artifactAnnotations({
  created,
  labels,
}: Pick<ConfigPlan, 'created' | 'labels'>): Record<string, string> {
  return { ...(created === undefined ? {} : { [createdAnnotation]: created }), ...labels };
}

/** How long an image, or an artifact, says that it is kept: the text of {@link expiryLabel}. */
export function expiryIn({ config, manifest }: Pick<WorkspaceImage, 'config' | 'manifest'>): string | undefined {
  return config?.config.Labels?.[expiryLabel] ?? manifest?.value.annotations?.[expiryLabel];
}

function sorted(map: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
