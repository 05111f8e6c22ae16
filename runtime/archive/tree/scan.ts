import { lstatSync, readFileSync, statSync } from 'node:fs';
import { invalid, SubpipeError } from '../../errors.ts';
import { type BytePath, locator, rootPath } from '../path.ts';
import { Thread } from '../thread.ts';
import { ignoreFile, type Patterns, selection } from './ignore.ts';
import { changed } from './node.ts';
import { scanFolders } from './scan-thread.ts';
import { isFolderIn, Snapshot, width } from './snapshot.ts';
import { Tree } from './tree.ts';
import { type Found, type Skipped, Walk } from './walk.ts';

/** Folders that a tree is cut into, at least, for several threads to look into: small enough that none waits long for another. */
const shares = 256;

export interface ScanOptions {
  /** Whether the folder's own `.ociignore` counts. Default true. */
  ignoreFile?: boolean;
  /** Whether it was large when it was looked at last: then the thread that helps begins at once. Default false. */
  isLarge?: boolean;
  /** Threads that will have work afterwards where the tree is large: they are begun meanwhile. Default: none but the one that helps. */
  threads?: number;
  signal?: AbortSignal | undefined;
}

/**
 * What is in a folder, looked at by two threads where it is large.
 *
 * @param options.exclude what stays out; those of the folder's own `.ociignore` are added.
 * @throws SubpipeError `INVALID` when `root` is no folder, `FAILED` when something cannot be read.
 */
export async function scanTree(root: string, options: Patterns & ScanOptions = {}): Promise<Tree> {
  const { signal, threads = 1 } = options;
  const top = lstatSync(root, { throwIfNoEntry: false });
  if (top === undefined) throw invalid(`${root} is not there: expected a folder`);
  if (!top.isDirectory()) throw invalid(`${root} is not a folder`);
  const own = options.ignoreFile === false ? [] : readIgnoreFile(root);
  const chosen = await selection({ ...options, exclude: [...(options.exclude ?? []), ...own] });
  signal?.throwIfAborted();
  try {
    // Patterns take longer than looking; the other thread does not have them.
    if (chosen === undefined) {
      if (options.isLarge === true) Thread.prepare(1);
      return await scanShares(root, top.dev, threads, signal);
    }
    const found = new Walk(root, top.dev, chosen).all(rootPath);
    const all = new TreeBuilder(found.to);
    all.add(found);
    return all.build(root);
  } catch (cause) {
    if (cause instanceof SubpipeError || signal?.aborted === true) throw cause;
    throw new SubpipeError('FAILED', `cannot read all of ${root}`, { cause });
  }
}

/** What is in the upper folders first, until there are enough below them to share. */
async function scanShares(
  root: string,
  device: number,
  threads: number,
  signal: AbortSignal | undefined,
): Promise<Tree> {
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
  const found = await scanFolders(root, device, level, threads, signal);
  const lower = new Map(level.map((folder, i) => [folder, found[i]]));
  const all = new TreeBuilder([...upper.values(), ...found].reduce((size, { from, to }) => size + to - from, 0));
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
  readonly #numbers: Float64Array<ArrayBuffer>;
  readonly #paths: BytePath[][] = [];
  #size = 0;
  readonly #linked: number[] = [];
  readonly #skipped: Skipped[] = [];

  /** @param size how many things there are. */
  constructor(size: number) {
    this.#numbers = new Float64Array(size * width);
  }

  /** @param then adds what is in a folder that was just added. */
  add({ table, from, to, linked, skipped }: Found, then?: (folder: BytePath) => void): void {
    this.#skipped.push(...skipped);
    const links = linked.values();
    let link = links.next().value;
    let start = from;
    const addUntil = (end: number): void => {
      for (; link !== undefined && link < end; link = links.next().value) {
        this.#linked.push(link - start + this.#size);
      }
      this.#numbers.set(table.numbers.subarray(start * width, end * width), this.#size * width);
      this.#paths.push(table.paths.slice(start, end));
      this.#size += end - start;
      start = end;
    };
    for (let place = from; then !== undefined && place < to; place++) {
      const path = table.paths[place];
      if (path === undefined || !isFolderIn(table.numbers, place)) continue;
      addUntil(place + 1);
      then(path);
    }
    addUntil(to);
  }

  build(root: string): Tree {
    const snapshot = new Snapshot(this.#paths.flat(), this.#numbers);
    const links = new Map<number, number>();
    const firsts = new Map<number | bigint, number>();
    const at = locator(root);
    for (const place of this.#linked) {
      const { ino, path } = snapshot.node(place);
      const file = Number.isSafeInteger(ino) ? ino : exactInode(at(path), path);
      const first = firsts.get(file);
      if (first === undefined) firsts.set(file, place);
      else links.set(place, first);
    }
    return new Tree(root, snapshot, links, this.#skipped);
  }
}

/** Lustre and others count from 2^57 on: what Node gives as a double is the same for thirty files beside each other. */
function exactInode(full: string | Buffer, path: BytePath): bigint {
  const found = lstatSync(full, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) throw changed(path);
  return found.ino;
}

/** Bytes: nobody writes more patterns. */
const mostPatterns = 2 ** 20;

function readIgnoreFile(root: string): string[] {
  const file = `${root}/${ignoreFile}`;
  // A link to a device has no end, and a pipe waits for somebody who writes: not even a signal would be heard.
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (!found.isFile()) throw invalid(`${file} is no file: expected gitignore patterns`);
  if (found.size > mostPatterns) throw invalid(`${file} has ${found.size} bytes: expected at most ${mostPatterns}`);
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/);
  } catch (error) {
    throw new SubpipeError('FAILED', `cannot read ${file}`, { cause: error });
  }
}
