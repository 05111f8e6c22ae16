import { type Line, sharedCount } from '../archive/merge/lineage.ts';
import { SubpipeError } from '../errors.ts';
import type { Log } from '../log.ts';
import { gather, parentsOf } from '../oci/announce.ts';
import type { Digest } from '../oci/digest.ts';
import type { Platform, StoredManifest } from '../oci/manifest.ts';
import { readImage } from '../oci/platform.ts';
import { blobImage, readWorkspaceImage, type WorkspaceImage } from './image.ts';
import { isAbsent, openPlace, type Place, type Registries } from './reference.ts';

export interface SourceOptions {
  registries: Registries;
  /** Default: this machine's. */
  platform?: Platform | undefined;
  /** A tag that is not there is no error. */
  optional?: boolean | undefined;
  log: Log;
  signal?: AbortSignal | undefined;
}

/**
 * The images that a reference means: of a digest one; of a tag all that was pushed to it side by side and is not merged
 * yet (`gather`). What is no manifest may be the digest of a blob: trusted artifacts of Konflux are named so.
 *
 * @throws SubpipeError `NOT_FOUND`, but for tags where `optional` is set.
 */
export async function readSource(text: string, options: SourceOptions): Promise<WorkspaceImage[]> {
  const { signal } = options;
  let place: Place;
  try {
    place = await openPlace(text, options.registries);
  } catch (error) {
    if (options.optional === true && isAbsent(error) && !text.includes('@')) return [];
    throw error;
  }
  const { target, digest } = place;
  const platform = options.platform === undefined ? {} : { platform: options.platform };
  if (digest !== undefined) {
    try {
      return [
        await readWorkspaceImage(text, place, await readImage(target, digest, { signal, ...platform }), { signal }),
      ];
    } catch (error) {
      const blob = isAbsent(error) ? await target.findBlob(digest, { signal }).catch(() => undefined) : undefined;
      if (blob !== undefined) return [blobImage(text, place, blob)];
      throw error;
    }
  }
  const heads = await headsOf(place, place.tag ?? 'latest', options);
  if (heads.length === 0 && options.optional === true) return [];
  if (heads.length === 0) {
    throw new SubpipeError('NOT_FOUND', `${text}: there is no tag "${place.tag ?? 'latest'}"`, {
      ...(options.optional === false ? { hint: 'Where its Task may have been skipped, set optional.' } : {}),
    });
  }
  return Promise.all(
    heads.map(async (head) => {
      const image =
        head.kind === 'image' ? head : await readImage(target, head.descriptor.digest, { signal, ...platform });
      return readWorkspaceImage(text, place, image, { signal });
    }),
  );
}

/** What a tag means. Nobody announces an index: of a tag that names one, nothing else is asked. */
async function headsOf(place: Place, tag: string, options: SourceOptions): Promise<StoredManifest[]> {
  const { target } = place;
  const { log, signal, optional } = options;
  const how = { signal, asWriter: optional === true };
  const named = await target.readManifest(tag, how).catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
  if (named?.kind === 'index') return [named];
  try {
    const heads = await gather(target, tag, how);
    // A list that is empty, or behind, is no reason not to take what is there.
    return heads.length === 0 && named !== undefined ? [named] : heads;
  } catch (error) {
    // A stranger's registry need not list its tags, and then nobody has pushed there side by side.
    if (named === undefined || signal?.aborted === true) throw error;
    log.warn(`${place.name} does not list its tags: only what "${tag}" itself names is pulled`);
    return [named];
  }
}

/** Without what is there twice, and without what another was made from. */
export function withoutAncestors(images: readonly WorkspaceImage[]): WorkspaceImage[] {
  const once = images.filter(({ digest }, i) => images.findIndex((other) => other.digest === digest) === i);
  const parents = new Set<Digest>(once.flatMap(({ manifest }) => (manifest === undefined ? [] : parentsOf(manifest))));
  return once.filter((image) => {
    if (parents.has(image.digest)) return false;
    return !once.some((other) => other !== image && hasAllOf(other, image));
  });
}

/** Whether an image has all layers of another one, or was made anew of it. */
function hasAllOf(image: WorkspaceImage, other: WorkspaceImage): boolean {
  const digests = other.layers.map(({ descriptor }) => descriptor.digest);
  // Fewer than were made anew together say nothing.
  const beginsSo = ({ layers, anew }: Line): boolean =>
    sharedCount(layers, digests) === digests.length && digests.length >= Math.min(anew, layers.length);
  if (image.lineage.lines.some(beginsSo)) return true;
  const own = new Set(image.layers.map(({ descriptor }) => descriptor.digest));
  return image.layers.length > digests.length && digests.every((digest) => own.has(digest));
}
