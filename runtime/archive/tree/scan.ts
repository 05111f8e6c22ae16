import { lstatSync, readFileSync } from 'node:fs';
import { invalid, SubpipeError } from '../../errors.ts';
import { type BytePath, rootPath } from '../path.ts';
import { ignoreFile, type Patterns, selection } from './ignore.ts';
import { scanFolders } from './scan-thread.ts';
import { SnapshotBuilder } from './snapshot.ts';
import { Tree } from './tree.ts';
import { type Found, type Skipped, Walk } from './walk.ts';

/** Folders that a tree is cut into, at least, for several threads to look into: small enough that none waits long for another. */
const shares = 256;

/**
 * What is in a folder, looked at by two threads where it is large.
 *
 * @param options.exclude what stays out; those of the folder's own `.ociignore` are added, unless `ignoreFile` is false.
 * @throws SubpipeError `INVALID` when `root` is no folder, `FAILED` when something cannot be read.
 */
export async function scanTree(
  root: string,
  options: Patterns & { ignoreFile?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<Tree> {
  const { signal } = options;
  const top = lstatSync(root, { throwIfNoEntry: false });
  if (top === undefined) throw invalid(`${root} is not there: expected a folder`);
  if (!top.isDirectory()) throw invalid(`${root} is not a folder`);
  const own = options.ignoreFile === false ? [] : readIgnoreFile(root);
  const chosen = await selection({ ...options, exclude: [...(options.exclude ?? []), ...own] });
  signal?.throwIfAborted();
  try {
    // Patterns take longer than looking; the other thread does not have them.
    if (chosen === undefined) return await scanShares(root, top.dev, signal);
    const all = new TreeBuilder();
    all.add(new Walk(root, top.dev, chosen).all(rootPath));
    return all.build(root);
  } catch (cause) {
    if (cause instanceof SubpipeError || signal?.aborted === true) throw cause;
    throw new SubpipeError('FAILED', `cannot read all of ${root}`, { cause });
  }
}

/** What is in the upper folders first, until there are enough below them to share. */
async function scanShares(root: string, device: number, signal: AbortSignal | undefined): Promise<Tree> {
  const walk = new Walk(root, device);
  const upper = new Map<BytePath, Found>();
  let level: BytePath[] = [rootPath];
  while (level.length > 0 && level.length < shares) {
    const next: BytePath[] = [];
    for (const folder of level) {
      const { found, folders } = walk.level(folder);
      upper.set(folder, found);
      next.push(...folders);
    }
    level = next;
  }
  const found = await scanFolders(root, device, level, signal);
  const lower = new Map(level.map((folder, i) => [folder, found[i]]));
  const all = new TreeBuilder();
  const add = (folder: BytePath): void => {
    const direct = upper.get(folder);
    if (direct !== undefined) all.add(direct, add);
    const whole = lower.get(folder);
    if (whole !== undefined) all.add(whole);
  };
  add(rootPath);
  return all.build(root);
}

/** Puts together what was found in several folders. */
class TreeBuilder {
  readonly #table = new SnapshotBuilder();
  readonly #linked: number[] = [];
  readonly #skipped: Skipped[] = [];

  /** @param then adds what is in a folder that was just added. */
  add({ table, from, to, linked, skipped }: Found, then?: (path: BytePath) => void): void {
    this.#skipped.push(...skipped);
    const all = this.#table;
    if (then === undefined) {
      for (const place of linked) this.#linked.push(place - from + all.size);
      all.addFrom(table, from, to);
      return;
    }
    const several = new Set(linked);
    for (let place = from; place < to; place++) {
      if (several.has(place)) this.#linked.push(all.size);
      all.addFrom(table, place, place + 1);
      const path = table.paths[place];
      if (path !== undefined) then(path);
    }
  }

  build(root: string): Tree {
    const snapshot = this.#table.build();
    const links = new Map<number, number>();
    const firsts = new Map<number, number>();
    for (const place of this.#linked) {
      const { ino } = snapshot.node(place);
      const first = firsts.get(ino);
      if (first === undefined) firsts.set(ino, place);
      else links.set(place, first);
    }
    return new Tree(root, snapshot, links, this.#skipped);
  }
}

function readIgnoreFile(root: string): string[] {
  try {
    return readFileSync(`${root}/${ignoreFile}`, 'utf8').split(/\r?\n/);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new SubpipeError('FAILED', `cannot read ${root}/${ignoreFile}`, { cause: error });
  }
}
