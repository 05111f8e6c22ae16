import { type BytePath, isDirectlyIn, parentOf, rootPath } from '../path.ts';
import type { Changes } from './changes.ts';

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
export function splitChanges(changes: Changes, options: SplitOptions = {}): Changes[] {
  const { partSize = 128 * 2 ** 20, most = 4 } = options;
  const { snapshot, links } = changes.tree;
  const costOf = (place: number): number => costOfEntry + (place < 0 || links.has(place) ? 0 : snapshot.sizeOf(place));
  const total = changes.places.reduce((sum, place) => sum + costOf(place), 0);
  const count = Math.max(1, Math.min(most, Math.floor(total / partSize)));
  if (count === 1) return [changes];
  const folders = new Map<BytePath, number>();
  const parts = Array.from({ length: count }, () => new Part(changes, folders));
  const firsts = new Set(links.values());
  const partOf = new Map<number, Part>();
  let before = 0;
  for (const place of changes.places) {
    const share = Math.min(count - 1, Math.floor((before / total) * count));
    before += costOf(place);
    // All names of a file are in one layer. What is gone is told in the first: told later, it would be about the others.
    const part = partOf.get(links.get(place) ?? -1) ?? parts[place < 0 ? 0 : share];
    if (part === undefined) throw new Error('unreachable: a part for each share');
    if (firsts.has(place)) partOf.set(place, part);
    if (place >= 0 && snapshot.isFolder(place)) folders.set(changes.pathAt(place), place);
    part.add(place);
  }
  return parts.filter(({ places }) => places.length > 0).map(({ places }) => changes.part(places));
}

/** Changes of one layer, each below the folders it is in: other programs would make folders with a mode of their own. */
class Part {
  readonly places: number[] = [];
  readonly #changes: Changes;
  /** Of all parts. */
  readonly #folders: ReadonlyMap<BytePath, number>;
  readonly #there = new Set<number>();
  #parent = rootPath;

  constructor(changes: Changes, folders: ReadonlyMap<BytePath, number>) {
    this.#changes = changes;
    this.#folders = folders;
  }

  add(place: number): void {
    const path = this.#changes.pathAt(place);
    this.#addParents(path);
    if (this.#changes.markAt(place)?.kind === 'empty') this.#addFolder(path);
    if (this.#folders.has(path)) this.#there.add(place);
    this.places.push(place);
  }

  #addParents(path: BytePath): void {
    // Most often the folder of the one before.
    if (isDirectlyIn(path, this.#parent)) return;
    const parent = parentOf(path);
    if (parent === '') return;
    this.#addFolder(parent);
    this.#parent = parent;
  }

  #addFolder(path: BytePath): void {
    const place = this.#folders.get(path);
    if (place === undefined || this.#there.has(place)) return;
    this.#addParents(path);
    this.#there.add(place);
    this.places.push(place);
  }
}
