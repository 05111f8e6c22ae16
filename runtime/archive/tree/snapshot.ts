import { Buffer } from 'node:buffer';
import type { Stats } from 'node:fs';
import { allFromLatin1, type BytePath } from '../path.ts';
import type { TreeNode } from './node.ts';

/** Kinds, by the number that stands for each. */
export const types = ['file', 'folder', 'symlink'] as const;

const folderKind = types.indexOf('folder');

/** What a snapshot has of each thing besides its path: its kind, and these, in this order. */
const columns = ['mode', 'uid', 'gid', 'size', 'mtimeMs', 'ctimeMs', 'ino'] as const;

/** Numbers for each thing. */
export const width = columns.length + 1;

/**
 * How each thing of a tree looked: a list of paths and a table of numbers, as objects for all of a large tree cost more
 * time and memory than all else that a push of it does when nothing has changed.
 */
export class Snapshot {
  /** {@link width} for each path. */
  readonly numbers: Float64Array<ArrayBuffer>;
  #paths: readonly BytePath[] | undefined;
  /** What has not been asked for yet: to make a list of it takes longer than to compare it. */
  #text: string | undefined;
  #places: Map<BytePath, number> | undefined;

  /** @param paths all of them, or one text with a NUL between them. */
  constructor(paths: readonly BytePath[] | string, numbers: Float64Array<ArrayBuffer>) {
    [this.#paths, this.#text] = typeof paths === 'string' ? [undefined, paths] : [paths, undefined];
    this.numbers = numbers;
  }

  static of(nodes: readonly TreeNode[]): Snapshot {
    const numbers = new Float64Array(nodes.length * width);
    nodes.forEach((node, place) => {
      setNode(numbers, place, node);
    });
    return new Snapshot(
      nodes.map(({ path }) => path),
      numbers,
    );
  }

  get size(): number {
    return this.numbers.length / width;
  }

  /** Of the same order as a scan's, where the tree came from one. */
  get paths(): readonly BytePath[] {
    this.#paths ??= this.size === 0 ? [] : allFromLatin1((this.#text ?? '').split('\0'));
    this.#text = undefined;
    return this.#paths;
  }

  /** -1 where there is no such path. @param guess where it is found at once. */
  placeOf(path: BytePath, guess = -1): number {
    if (this.paths[guess] === path) return guess;
    this.#places ??= new Map(this.paths.map((path, place) => [path, place]));
    return this.#places.get(path) ?? -1;
  }

  /** The latest change of anything, in ms. */
  get newest(): number {
    let newest = 0;
    for (let at = 0; at < this.numbers.length; at += width) newest = Math.max(newest, this.numbers[at + 6] ?? 0);
    return newest;
  }

  /** Bytes of a file; 0 for all else. */
  sizeOf(place: number): number {
    return this.numbers[place * width + 4] ?? 0;
  }

  isFolder(place: number): boolean {
    return isFolderIn(this.numbers, place);
  }

  /** All of them. */
  nodes(): TreeNode[] {
    return this.paths.map((_, place) => this.node(place));
  }

  node(place: number): TreeNode {
    const path = this.paths[place];
    const type = types[this.numbers[place * width] ?? -1];
    if (path === undefined || type === undefined) throw new RangeError(`a snapshot of ${this.size} has no ${place}`);
    return nodeIn(this.numbers, place, path, type);
  }

  /** Whether it is of these very things, and nothing has happened to any of them. */
  isOf(now: Snapshot): boolean {
    if (now.size !== this.size) return false;
    if (this.isEqual(now)) return true;
    return now.paths.every((path, i) => {
      const place = this.placeOf(path, i);
      return place >= 0 && this.isLike(place, now, i);
    });
  }

  /** Whether it is of these very things in the same order, which takes a tenth of the time of looking at each. */
  isEqual(now: Snapshot): boolean {
    return bytesOf(this.numbers).equals(bytesOf(now.numbers)) && this.hasPathsOf(now);
  }

  /** Whether each place is that of the same path. */
  hasPathsOf(now: Snapshot): boolean {
    if (now.size !== this.size) return false;
    const text = this.#text;
    if (text === undefined) return this.paths.every((path, place) => path === now.paths[place]);
    let at = 0;
    for (const path of now.paths) {
      if (!text.startsWith(path, at)) return false;
      at += path.length + 1;
    }
    return at === text.length + 1 || this.size === 0;
  }

  /** Whether nothing has happened to it: as {@link isUntouched}, for something in another table. */
  isLike(place: number, now: Snapshot, nowPlace: number): boolean {
    const [one, two] = [this.numbers, now.numbers];
    for (let a = place * width, b = nowPlace * width, end = a + width; a < end; a++, b++) {
      if (one[a] !== two[b]) return false;
    }
    return true;
  }

  /** Whether nothing has happened to it: no content, mode, owner, link or attribute changes without a new ctime. */
  isUntouched(place: number, now: TreeNode): boolean {
    const { numbers } = this;
    const at = place * width;
    return (
      numbers[at + 6] === now.ctimeMs &&
      numbers[at + 7] === now.ino &&
      numbers[at + 4] === now.size &&
      numbers[at + 5] === now.mtimeMs &&
      numbers[at] === types.indexOf(now.type) &&
      numbers[at + 1] === now.mode &&
      numbers[at + 2] === now.uid &&
      numbers[at + 3] === now.gid
    );
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** A table that grows: what a {@link Snapshot} is made of. */
export class SnapshotBuilder {
  readonly paths: BytePath[] = [];
  /** {@link width} for each path, and room for more. */
  numbers = new Float64Array(256 * width);

  get size(): number {
    return this.paths.length;
  }

  add(path: BytePath, type: TreeNode['type'], { mode, uid, gid, size, mtimeMs, ctimeMs, ino }: Stats): void {
    let at = this.size * width;
    if (at === this.numbers.length) this.#grow();
    const { numbers } = this;
    numbers[at++] = types.indexOf(type);
    numbers[at++] = mode & 0o7777;
    numbers[at++] = uid;
    numbers[at++] = gid;
    numbers[at++] = type === 'file' ? size : 0;
    numbers[at++] = mtimeMs;
    numbers[at++] = ctimeMs;
    numbers[at++] = ino;
    this.paths.push(path);
  }

  /** The last is not wanted after all. */
  drop(): void {
    this.paths.pop();
  }

  #grow(): void {
    const larger = new Float64Array(2 * this.numbers.length);
    larger.set(this.numbers);
    this.numbers = larger;
  }
}

export function isFolderIn(numbers: Float64Array, place: number): boolean {
  return numbers[place * width] === folderKind;
}

/** What the table of a snapshot has of something, but for its kind. */
export function nodeIn(numbers: Float64Array, place: number, path: BytePath, type: TreeNode['type']): TreeNode {
  const at = place * width;
  return {
    path,
    type,
    mode: numbers[at + 1] ?? 0,
    uid: numbers[at + 2] ?? 0,
    gid: numbers[at + 3] ?? 0,
    size: numbers[at + 4] ?? 0,
    mtimeMs: numbers[at + 5] ?? 0,
    ctimeMs: numbers[at + 6] ?? 0,
    ino: numbers[at + 7] ?? 0,
  };
}

/** Puts something into the table of a snapshot. */
export function setNode(numbers: Float64Array, place: number, node: TreeNode): void {
  let at = place * width;
  numbers[at++] = types.indexOf(node.type);
  for (const name of columns) numbers[at++] = node[name];
}

/** Puts something into it, from another table that has the same without the kind. */
export function setLooks(
  numbers: Float64Array,
  place: number,
  type: TreeNode['type'],
  looks: Float64Array,
  from: number,
): void {
  const at = place * width;
  numbers[at] = types.indexOf(type);
  for (let i = 0; i < columns.length; i++) numbers[at + 1 + i] = looks[from + i] ?? 0;
}
