import type { Compression } from '../archive/layer/compression.ts';
import type { Tree } from '../archive/tree/tree.ts';
import { SubpipeError } from '../errors.ts';
import { mediaTypes } from '../oci/manifest.ts';
import { type Baseline, whole } from './baseline.ts';

/** How an image is written: not every registry takes every form. */
export interface Form {
  compression: Compression;
  artifact: boolean;
}

export function firstForm(options: { compression?: Compression['kind'] | undefined; artifact?: boolean }): Form {
  return { compression: { kind: options.compression ?? 'zstd' }, artifact: options.artifact === true };
}

/**
 * A form that registries take which refuse `form`: an image for an artifact, gzip for zstd. Layers below that are zstd
 * go as well: then all of the folder is pushed. Undefined where the error is about something else, or nothing is simpler.
 */
export function simplerForm(
  form: Form,
  baseline: Baseline,
  tree: Tree,
  error: unknown,
): { form: Form; baseline: Baseline; refused: string; instead: string } | undefined {
  if (!isRefusal(error)) return undefined;
  if (form.artifact) {
    return { form: { ...form, artifact: false }, baseline, refused: 'artifacts', instead: 'an image is pushed' };
  }
  const hasZstd = baseline.below.some(({ descriptor }) => descriptor.mediaType === mediaTypes.layerZstd);
  if (form.compression.kind !== 'zstd' && !hasZstd) return undefined;
  // All of an image cannot be pushed where only a part of it was pulled.
  if (hasZstd && baseline.isPart === true) return undefined;
  return {
    form: { ...form, compression: form.compression.kind === 'zstd' ? { kind: 'gzip' } : form.compression },
    baseline: hasZstd ? whole(tree, baseline.parents) : baseline,
    refused: 'layers in zstd',
    instead: 'gzip is pushed',
  };
}

/** How registries say that they do not take a media type: 415, or an invalid manifest. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof SubpipeError)) return false;
  return error.status === 415 || (error.status === 400 && /MANIFEST_INVALID|media ?type/i.test(error.message));
}
