import { Readable } from 'node:stream';
import type { Layer } from '../runtime/archive/layer/layer.ts';
import type { History, ImageConfig, RunConfig } from '../runtime/oci/config.ts';
import { digestOf } from '../runtime/oci/digest.ts';
import type { Layout } from '../runtime/oci/layout.ts';
import { type Descriptor, mediaTypes, storeManifest } from '../runtime/oci/manifest.ts';
import type { Base } from './base.ts';

export interface ImagePlan {
  base: Base;
  layers: (Layer & { createdBy: string })[];
  /** Seconds since 1970. */
  created: number;
  /** Added to the base's: lists and texts replace, variables and labels are merged. */
  run: RunConfig;
  annotations: Record<string, string>;
}

/** Writes config and manifest of an image whose layers are in `layout` (image-spec, config.md and manifest.md). */
export async function composeImage(layout: Layout, plan: ImagePlan): Promise<Descriptor> {
  const { base, layers } = plan;
  const created = new Date(plan.created * 1000).toISOString().replace('.000Z', 'Z');
  const history: History[] = layers.map(({ createdBy }) => ({ created, created_by: createdBy }));
  const config: ImageConfig = {
    created,
    os: base.config.os,
    architecture: base.config.architecture,
    ...(base.config.variant === undefined ? {} : { variant: base.config.variant }),
    config: mergeRun(base.config.config, plan.run),
    rootfs: { type: 'layers', diff_ids: [...base.config.rootfs.diff_ids, ...layers.map(({ diffId }) => diffId)] },
    history: [...base.config.history, ...history],
  };
  const bytes = Buffer.from(JSON.stringify(config));
  const descriptor: Descriptor = { mediaType: mediaTypes.config, digest: digestOf(bytes), size: bytes.length };
  await layout.writeBlob(descriptor, () => Readable.from([bytes]));
  const stored = storeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: descriptor,
    layers: [...base.layers.map(ociLayer), ...layers.map((layer) => layer.descriptor)],
    ...(Object.keys(plan.annotations).length === 0 ? {} : { annotations: plan.annotations }),
  });
  await layout.writeManifest(stored);
  const { os, architecture, variant } = config;
  return { ...stored.descriptor, platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } };
}

/** Writes the index of an image's platforms and names it (image-spec, image-index.md). */
export async function writeIndex(
  layout: Layout,
  images: Descriptor[],
  tag: string,
  annotations: Record<string, string>,
  tagAnnotations: Record<string, string> = {},
): Promise<Descriptor> {
  const stored = storeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: images,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  });
  await layout.writeManifest(stored);
  const { mediaType, digest, size } = stored.descriptor;
  await layout.tag({ mediaType, digest, size }, tag, tagAnnotations);
  return { mediaType, digest, size };
}

function mergeRun(base: RunConfig, own: RunConfig): RunConfig {
  const env = new Map([...(base.Env ?? []), ...(own.Env ?? [])].map((item) => [item.split('=')[0] ?? '', item]));
  const labels = { ...base.Labels, ...own.Labels };
  return {
    ...base,
    ...own,
    ...(env.size === 0 ? {} : { Env: [...env.values()] }),
    ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }),
  };
}

/** A Docker base's layers are the same bytes under the OCI's name; a manifest should not mix the two. */
function ociLayer(layer: Descriptor): Descriptor {
  const docker = layer.mediaType === 'application/vnd.docker.image.rootfs.diff.tar.gzip';
  return { mediaType: docker ? mediaTypes.layerGzip : layer.mediaType, digest: layer.digest, size: layer.size };
}
