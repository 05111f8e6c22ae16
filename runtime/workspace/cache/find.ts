import { invalid } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { StoredManifest } from '../../oci/manifest.ts';
import { isAbsent, namesIn, openPlace, type Place, type Registries } from '../reference.ts';
import { isKey } from './key.ts';
import { cacheTag, createdAnnotation, keyAnnotation, mayBegin } from './tag.ts';

/** A cache that is there. */
export interface Found {
  key: string;
  place: Place;
  manifest: StoredManifest & { kind: 'image' };
}

interface Options {
  log: Log;
  signal?: AbortSignal | undefined;
}

/** Manifests that are asked for at a time. */
const parallel = 8;

/**
 * Opens the repository or layout folder that caches are in.
 *
 * @throws SubpipeError `INVALID` for a tag or digest: the key is the name. `NOT_FOUND` for a layout folder that is not there.
 */
export function openCaches(
  text: string,
  flag: string,
  registries: Registries,
  options: { create?: boolean } = {},
): Promise<Place> {
  const { name, tag, digest } = namesIn(text);
  if (tag !== undefined || digest !== undefined) {
    throw invalid(`${flag} is ${text}: with --key, expected ${name} without a tag or digest`);
  }
  return openPlace(text, registries, options);
}

/** The cache of exactly this key; undefined where there is none. */
export async function findCache(place: Place, key: string, options: Options): Promise<Found | undefined> {
  const found = await readCache(place, cacheTag(key), options);
  return found?.key === key ? found : undefined;
}

/** The newest of all caches whose keys begin with `prefix`; undefined where there is none. */
export async function findNewest(place: Place, prefix: string, options: Options): Promise<Found | undefined> {
  const { signal } = options;
  const tags = (await place.target.listTags({ signal, fresh: true, asWriter: true })).filter((tag) =>
    mayBegin(tag, prefix),
  );
  const queue = tags.values();
  let newest: Found | undefined;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (const tag of queue) {
        const found = await readCache(place, tag, options);
        if (found?.key.startsWith(prefix) === true && (newest === undefined || isNewer(found, newest))) newest = found;
      }
    }),
  );
  return newest;
}

async function readCache(place: Place, tag: string, { log, signal }: Options): Promise<Found | undefined> {
  let manifest: StoredManifest;
  try {
    // Not from a mirror: it may have taken note that there is none.
    manifest = await place.target.readManifest(tag, { signal, fresh: true, asWriter: true });
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  const key = manifest.value.annotations?.[keyAnnotation];
  if (manifest.kind === 'image' && key !== undefined && isKey(key) && cacheTag(key) === tag)
    return { key, place, manifest };
  log.warn(`${place.name}:${tag} is no cache of that key: passed over`);
  return undefined;
}

/** Of two saved within the same millisecond it is always the same one. */
function isNewer(one: Found, other: Found): boolean {
  const [a, b] = [savedAt(one), savedAt(other)];
  return a === b ? one.key > other.key : a > b;
}

function savedAt({ manifest }: Found): number {
  const time = Date.parse(manifest.value.annotations?.[createdAnnotation] ?? '');
  return Number.isNaN(time) ? 0 : time;
}
