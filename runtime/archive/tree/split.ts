import { type BytePath, parentOf, rootPath } from '../path.ts';
import type { Change } from './changes.ts';
import type { TreeNode } from './node.ts';

/** What a file costs besides its bytes, in bytes: so that a part with many small files is not the slow one. */
const costOfEntry = 8192;

export interface SplitOptions {
  /** No part is made for less than this many bytes. Default 128 MiB. */
  partSize?: number;
  /** Default 4. */
  most?: number;
}

/**
 * Splits what a push writes into layers of about the same size, to be packed and sent side by side. Together, in their
 * order, they say what one would. The same changes give the same parts on every machine.
 */
export function splitChanges(changes: readonly Change[], options: SplitOptions = {}): Change[][] {
  const { partSize = 128 * 2 ** 20, most = 4 } = options;
  const costs = changes.map((change) => costOf(change));
  const total = costs.reduce((sum, cost) => sum + cost, 0);
  const count = Math.max(1, Math.min(most, Math.floor(total / partSize)));
  if (count === 1) return [[...changes]];
  const folders = new Map<BytePath, TreeNode>();
  const parts = Array.from({ length: count }, () => new Part());
  const firsts = new Set(changes.map((change) => (change.kind === 'put' ? change.node.linkTo : undefined)));
  const partOf = new Map<BytePath, Part>();
  let before = 0;
  changes.forEach((change, i) => {
    const share = Math.min(count - 1, Math.floor((before / total) * count));
    before += costs[i] ?? 0;
    const first = change.kind === 'put' ? change.node.linkTo : undefined;
    // All names of a file are in one layer. What is gone is told in the first: told later, it would be about the others.
    const place = change.kind === 'put' ? parts[share] : parts[0];
    const part = (first === undefined ? undefined : partOf.get(first)) ?? place;
    if (part === undefined) throw new Error('unreachable: a part for each share');
    if (change.kind === 'put' && firsts.has(change.node.path)) partOf.set(change.node.path, part);
    if (change.kind === 'put' && change.node.type === 'folder') folders.set(change.node.path, change.node);
    part.add(change, folders);
  });
  return parts.map(({ changes }) => changes).filter((list) => list.length > 0);
}

/** Changes of one layer, each below the folders it is in: other programs would make folders with a mode of their own. */
class Part {
  readonly changes: Change[] = [];
  readonly #there = new Set<BytePath>();
  #parent = rootPath;

  add(change: Change, folders: ReadonlyMap<BytePath, TreeNode>): void {
    const path = change.kind === 'put' ? change.node.path : change.path;
    this.#addParents(path, folders);
    if (change.kind === 'empty') this.#addFolder(path, folders);
    if (change.kind === 'put' && change.node.type === 'folder') this.#there.add(path);
    this.changes.push(change);
  }

  #addParents(path: BytePath, folders: ReadonlyMap<BytePath, TreeNode>): void {
    // Most often the folder of the one before.
    if (path.lastIndexOf('/') === this.#parent.length && path.startsWith(this.#parent)) return;
    const parent = parentOf(path);
    if (parent === '') return;
    this.#addFolder(parent, folders);
    this.#parent = parent;
  }

  #addFolder(path: BytePath, folders: ReadonlyMap<BytePath, TreeNode>): void {
    const node = folders.get(path);
    if (node === undefined || this.#there.has(path)) return;
    this.#addParents(path, folders);
    this.#there.add(path);
    this.changes.push({ kind: 'put', node });
  }
}

function costOf(change: Change): number {
  if (change.kind !== 'put') return costOfEntry;
  return costOfEntry + (change.node.linkTo === undefined ? change.node.size : 0);
}
