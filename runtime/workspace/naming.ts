import { announce, announcementTag } from '../oci/announce.ts';
import type { Digest } from '../oci/digest.ts';
import type { StoredManifest } from '../oci/manifest.ts';
import { isAbsent, type Place } from './reference.ts';

/** What a push without a tag is called, with its digest: what has no tag at all, registries collect. */
const ownName = 'workspace';

export interface Naming {
  /** More tags, written as they are. */
  tags: readonly string[];
  /** Whether what is pushed to the target's tag side by side is kept, see `announce`. */
  announce: boolean;
  signal: AbortSignal | undefined;
}

/** Writes a manifest under all its names. */
export async function nameImage({ target, tag }: Place, manifest: StoredManifest, naming: Naming): Promise<void> {
  const { signal } = naming;
  if (tag === undefined) await target.writeManifest(manifest, ownTag(manifest.descriptor.digest), { signal });
  else if (naming.announce) await announce(target, tag, manifest, { signal });
  else await target.writeManifest(manifest, tag, { signal });
  for (const more of naming.tags) await target.writeManifest(manifest, more, { signal });
}

/**
 * Names an image that was there before, and that nothing has changed in. The target's own tag, where it is there, stays
 * where it is: it may have gone on to what others made of this image.
 */
export async function nameAgain(place: Place, manifest: StoredManifest, naming: Naming): Promise<void> {
  const { target, tag } = place;
  const { tags, signal } = naming;
  const { digest } = manifest.descriptor;
  const own = tag === undefined ? [ownTag(digest)] : naming.announce ? [announcementTag(tag, digest), tag] : [tag];
  const names = [...new Set([...own, ...tags])];
  const isRight = async (name: string): Promise<boolean> => {
    const there = await digestAt(place, name, signal);
    return tags.includes(name) ? there === digest : there !== undefined;
  };
  // Most often all are right. Else each is asked for again right before it is written.
  if ((await Promise.all(names.map(isRight))).every(Boolean)) return;
  for (const name of names) if (!(await isRight(name))) await target.writeManifest(manifest, name, { signal });
}

function ownTag(digest: Digest): string {
  return announcementTag(ownName, digest);
}

/** Undefined where there is no such tag. */
async function digestAt({ target }: Place, tag: string, signal: AbortSignal | undefined): Promise<Digest | undefined> {
  try {
    return (await target.readManifest(tag, { signal, fresh: true })).descriptor.digest;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
