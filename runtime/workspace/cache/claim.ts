import { join } from 'node:path';
import { SubpipeError } from '../../errors.ts';
import { Layout } from '../../oci/layout.ts';
import { withLock } from '../../oci/lock.ts';
import type { StoredManifest } from '../../oci/manifest.ts';
import { isAbsent, type Place } from '../reference.ts';

/** The manifest that a tag names now; undefined where there is no such tag. */
export async function namedNow(
  { target }: Place,
  tag: string,
  signal: AbortSignal | undefined,
): Promise<StoredManifest | undefined> {
  try {
    return await target.readManifest(tag, { signal, fresh: true, asWriter: true });
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/**
 * Names a manifest, unless the tag is there: whoever was first keeps it. In a layout folder nobody comes in between. A
 * registry cannot be asked for "only if there is none" (distribution-spec): it is asked before and after, and who finds
 * another's digest then has not saved.
 *
 * @returns what the tag names now: `manifest`, or that of who was first.
 */
export async function claimTag(
  place: Place,
  tag: string,
  manifest: StoredManifest,
  signal: AbortSignal | undefined,
): Promise<StoredManifest> {
  const { target } = place;
  const claim = async () => {
    const first = await namedNow(place, tag, signal);
    if (first !== undefined) return first;
    try {
      await target.writeManifest(manifest, tag, { signal });
    } catch (error) {
      // Where tags cannot be moved, the registry says so itself, each in its own words.
      const first = isRefusal(error) ? await namedNow(place, tag, signal) : undefined;
      if (first === undefined) throw error;
      return first;
    }
    return (await namedNow(place, tag, signal)) ?? manifest;
  };
  if (!(target instanceof Layout)) return claim();
  return withLock(join(target.folder, 'cache.lock'), claim, signal);
}

function isRefusal(error: unknown): boolean {
  return error instanceof SubpipeError && error.status !== undefined && error.status >= 400 && error.status < 500;
}
