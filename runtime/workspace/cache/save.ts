import { resolve } from 'node:path';
import { shown } from '../../archive/path.ts';
import { noChanges } from '../../archive/tree/changes.ts';
import { scanTree } from '../../archive/tree/scan.ts';
import type { StoredManifest } from '../../oci/manifest.ts';
import { whole } from '../baseline.ts';
import { type Pushed, type PushOptions, sendSimpler } from '../push.ts';
import { byDigest, isAbsent, namesIn } from '../reference.ts';
import { claimTag, namedNow } from './claim.ts';
import { openCaches } from './find.ts';
import { readKey } from './key.ts';
import { type CacheMemory, cacheMemoryFile, forgetCache, recallCache } from './memory.ts';
import { cacheTag, createdAnnotation, keyAnnotation } from './tag.ts';

export interface SaveOptions extends Omit<PushOptions, 'base' | 'tags' | 'announce' | 'maxLayers'> {
  /** What the cache is called, see `readKey`. `target` is a repository or layout folder, without a tag. */
  key: string;
  /** Where the key's patterns look. Default: `folder`. */
  keyFolder?: string | undefined;
}

export interface Saved extends Pushed {
  /** `there`: a cache of this key was there, or somebody else was first; `empty`: nothing to save. */
  cache: 'saved' | 'there' | 'empty';
  /** What the text of the key was. */
  key: string;
}

/**
 * Saves a folder, or what `include` says of it, as a cache. A key has one content for ever: where there is a cache of
 * this key, it stays. After a pull of the same key in this pod, its key counts, whatever the work has made of the files
 * that it is made from. `.ociignore` is not looked at: it is there for what caches have.
 *
 * @throws SubpipeError `INVALID` for a key or target that is none; otherwise as `pushWorkspace`.
 */
export async function saveCache(options: SaveOptions): Promise<Saved> {
  const { log, signal, registries = {}, include = [], exclude = [], dryRun = false } = options;
  const folder = resolve(options.folder);
  const file = cacheMemoryFile(options.key, folder, options);
  const known = recallCache(file);
  const key = await keyOf(known, options, folder);
  const tag = cacheTag(key);
  const { name } = namesIn(options.target);
  const result = { key, url: `${name}:${tag}`, layers: 0, size: 0, changes: noChanges };
  const there = (image: string, why: string): Saved => {
    log.info(`cache ${key} ${why}`);
    return { ...result, cache: 'there', image, digest: namesIn(image).digest };
  };
  if (known?.hit?.place === name) {
    if (!dryRun) forgetCache(file);
    return there(known.hit.image, 'is what was pulled: not pushed');
  }
  const place = await openCaches(options.target, '--target', registries, { create: !dryRun }).catch(
    (error: unknown) => {
      // A layout folder that is not there yet.
      if (dryRun && isAbsent(error)) return undefined;
      throw error;
    },
  );
  const first = place === undefined ? undefined : await namedNow(place, tag, signal);
  if (place !== undefined && first !== undefined)
    return there(byDigest(place, first.descriptor.digest), `is in ${name} already: not pushed`);
  const tree = await scanTree(folder, { include, exclude, ignoreFile: false, signal });
  for (const { path, what } of tree.skipped) log.warn(`${shown(path)} is ${what}: left out`);
  const baseline = whole(tree, []);
  if (tree.paths.length === 0) {
    log.warn(`there is nothing to save for the cache ${key}${include.length > 0 ? ': nothing matches --include' : ''}`);
    return { ...result, cache: 'empty', image: '', digest: undefined };
  }
  if (dryRun || place === undefined)
    return { ...result, cache: 'saved', image: '', digest: undefined, changes: baseline.changes };
  let kept: StoredManifest | undefined;
  const annotations = {
    ...options.annotations,
    [keyAnnotation]: key,
    [createdAnnotation]: new Date().toISOString(),
  };
  const { sent, image } = await sendSimpler(place, tree, baseline, { ...options, annotations }, async (manifest) => {
    kept = await claimTag(place, tag, manifest, signal);
  });
  forgetCache(file);
  if (kept !== undefined && kept.descriptor.digest !== image.digest) {
    return there(byDigest(place, kept.descriptor.digest), 'was saved by somebody else meanwhile: theirs stays');
  }
  log.info(`saved the cache ${key} as ${result.url}`);
  const { changes, size } = sent;
  return {
    ...result,
    cache: 'saved',
    image: image.name,
    digest: image.digest,
    layers: image.layers.length,
    size,
    changes,
  };
}

async function keyOf(known: CacheMemory | undefined, options: SaveOptions, folder: string): Promise<string> {
  const { log, signal } = options;
  const read = () => readKey(options.key, { folder: resolve(options.keyFolder ?? folder), where: '--key', signal });
  if (known === undefined) return read();
  const now = await read().catch(() => undefined);
  if (now !== known.key) log.info(`the files of the key have changed since the pull: its key counts, ${known.key}`);
  return known.key;
}
