import { resolve } from 'node:path';
import { extractLayers } from '../../archive/extract/extract.ts';
import { repairFolder, replaceFolder } from '../../archive/extract/replace.ts';
import { selectPaths } from '../../archive/tree/select.ts';
import { invalid } from '../../errors.ts';
import { isNeeded } from '../cover.ts';
import { shownExtraction } from '../extraction.ts';
import { readWorkspaceImage } from '../image.ts';
import { layerOpener, sourceLayer } from '../layer-source.ts';
import { formatBytes } from '../progress.ts';
import type { PullOptions } from '../pull.ts';
import { isAbsent, type Place } from '../reference.ts';
import { tarSizeOf } from '../weight.ts';
import { type Found, findCache, findNewest, openCaches } from './find.ts';
import { readKey } from './key.ts';
import { cacheMemoryFile, rememberCache } from './memory.ts';

export interface RestoreOptions extends Omit<PullOptions, 'base' | 'optional' | 'merge' | 'platform'> {
  /** What the cache is called, see `readKey`. `sources` are repositories and layout folders: the first that has it counts. */
  key: string;
  /** Beginnings of other keys that will do, the best first: of each, the newest cache. */
  restoreKeys?: readonly string[] | undefined;
  /** Where the key's patterns look. Default: `folder`. */
  keyFolder?: string | undefined;
}

export interface Restored {
  /** `partial` is a cache of another key, by one of `restoreKeys`. */
  cache: 'hit' | 'partial' | 'miss';
  /** What the text of the key was. */
  key: string;
  /** The key that the cache was saved under; empty after a miss. */
  matchedKey: string;
  /** By digest; empty after a miss. */
  image: string;
  /** Bytes of the layers, packed. */
  size: number;
  /** Things of the cache that are now in the folder. */
  files: number;
}

/**
 * Puts a cache into a folder, over what is there: nothing else in it changes, and a failure leaves it as it was. The
 * push of the same key in the same pod is told of it.
 *
 * @throws SubpipeError `INVALID` for keys and sources that are none; otherwise as `pullWorkspace`. No cache is no error.
 */
export async function restoreCache(options: RestoreOptions): Promise<Restored> {
  const { log, signal, restoreKeys = [], registries = {} } = options;
  const folder = resolve(options.folder);
  const memory = cacheMemoryFile(options.key, folder, options);
  const select = selectPaths(options.paths ?? []);
  if (repairFolder(folder)) log.warn(`an earlier pull into ${folder} was cut off: what was there before is back`);
  const keyFolder = resolve(options.keyFolder ?? folder);
  const key = await readKey(options.key, { folder: keyFolder, where: '--key', signal });
  const prefixes: string[] = [];
  for (const text of restoreKeys) {
    prefixes.push(await readKey(text, { folder: keyFolder, where: '--restore-keys', signal }));
  }
  const found = await find(await placesOf(options), key, prefixes, options);
  if (found === undefined) {
    log.info(`no cache ${key}${prefixes.length === 0 ? '' : `, and none that begins with ${prefixes.join(' or ')}`}`);
    rememberCache(memory, { key });
    return { cache: 'miss', key, matchedKey: '', image: '', size: 0, files: 0 };
  }
  const image = await readWorkspaceImage(found.key, found.place, found.manifest, { signal });
  const layers = image.layers.filter((layer) => isNeeded(layer, options.paths ?? []));
  const total = layers.reduce((sum, layer) => sum + (tarSizeOf(layer) ?? Number.NaN), 0);
  const { progress, extract } = shownExtraction('restoring', total, select, options);
  const open = layerOpener(registries);
  const stages = layers.map((layer) => ({ layer: sourceLayer(layer, open) }));
  let took = '';
  const done = await replaceFolder(folder, (into) => extractLayers(stages, into, extract), 'over').finally(() => {
    took = progress.end();
  });
  const cache = found.key === key ? 'hit' : 'partial';
  const hit = { place: found.place.name, image: image.name };
  rememberCache(memory, { key, ...(cache === 'hit' ? { hit } : {}) });
  const what = `${done.entries} files and folders, ${formatBytes(done.bytes)}, ${took}`;
  log.info(`cache ${found.key}${cache === 'hit' ? '' : ` for ${key}`} of ${found.place.name}: ${what}`);
  const size = layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  return { cache, key, matchedKey: found.key, image: image.name, size, files: done.entries };
}

async function placesOf({ sources, registries = {}, log }: RestoreOptions): Promise<Place[]> {
  const given = sources.map((source) => source.trim()).filter((source) => source !== '');
  if (given.length === 0) throw invalid('--key has no caches to look in: expected a repository in --sources');
  const places: Place[] = [];
  for (const source of given) {
    try {
      places.push(await openCaches(source, '--sources', registries));
    } catch (error) {
      // A layout folder that nobody has saved into yet.
      if (!isAbsent(error)) throw error;
      log.info(`${source} is not there yet`);
    }
  }
  return places;
}

/** The key itself everywhere, before anything that is like it. */
async function find(
  places: readonly Place[],
  key: string,
  prefixes: readonly string[],
  options: RestoreOptions,
): Promise<Found | undefined> {
  for (const place of places) {
    const found = await findCache(place, key, options);
    if (found !== undefined) return found;
  }
  for (const prefix of prefixes) {
    for (const place of places) {
      const found = await findNewest(place, prefix, options);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
