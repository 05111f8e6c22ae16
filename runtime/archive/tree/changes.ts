import { invalid } from '../../errors.ts';
import { type BytePath, nameOf, parentOf, rootPath, shown } from '../path.ts';
import type { TreeNode } from './node.ts';
import { Snapshot } from './snapshot.ts';
import { Tree } from './tree.ts';

/** What a layer says: something is there, something is gone, or all that was in a folder is gone. */
export type Change =
  | { kind: 'put'; node: TreeNode }
  | { kind: 'remove'; path: BytePath }
  | { kind: 'empty'; path: BytePath };

/** What is gone. */
export type Mark = Exclude<Change, { kind: 'put' }>;

/** image-spec, layer.md "Whiteouts": what these names say can be said of no other file. */
export const whiteoutPrefix = '.wh.';
export const opaqueName = '.wh..wh..opq';

/**
 * Changes of a tree, in the order of a layer: where in the tree what is put there is, as objects for each thing of a large
 * tree take more memory than all that is packed of it at a time.
 */
export class Changes implements Iterable<Change> {
  readonly tree: Tree;
  /** Where in the tree; below zero: -1 is the first mark. */
  readonly places: readonly number[];
  readonly #marks: readonly Mark[];

  constructor(tree: Tree, places: readonly number[], marks: readonly Mark[] = []) {
    this.tree = tree;
    this.places = places;
    this.#marks = marks;
  }

  get length(): number {
    return this.places.length;
  }

  /** Those of them, in another order, at these places. */
  part(places: readonly number[]): Changes {
    return new Changes(this.tree, places, this.#marks);
  }

  /** Undefined where something is put there. */
  markAt(place: number): Mark | undefined {
    return place < 0 ? this.#marks[-1 - place] : undefined;
  }

  pathAt(place: number): BytePath {
    const path = place < 0 ? this.markAt(place)?.path : this.tree.paths[place];
    if (path === undefined) throw new RangeError(`no change at ${place}`);
    return path;
  }

  *[Symbol.iterator](): Generator<Change> {
    for (const place of this.places) yield this.markAt(place) ?? { kind: 'put', node: this.tree.node(place) };
  }
}

/** All of a tree: the content of a first layer. @throws SubpipeError `INVALID` for names that begin with `.wh.`. */
export function allOf(tree: Tree): Changes {
  tree.paths.forEach(checkName);
  return new Changes(tree, Array.from(tree.paths.keys()));
}

/** Of nothing. */
export const noChanges = allOf(new Tree('', Snapshot.of([])));

/**
 * What changed since the state was saved. Folders above a change are told too, as other programs would otherwise make
 * them anew with a mode of their own.
 *
 * @param isSame default: by inode and times ({@link Snapshot.isLike}). With another, for nodes of another machine.
 * @param above folders that `before` has only a part of: what else they have stays, and they are told for another mode or
 * owner alone, as they may never have been read.
 * @returns none when nothing changed.
 * @throws SubpipeError `INVALID` for names that begin with `.wh.`.
 */
export function changesSince(
  before: Snapshot,
  tree: Tree,
  isSame?: (before: Snapshot, place: number, now: TreeNode) => boolean,
  above: ReadonlySet<BytePath> = new Set(),
): Changes {
  const { paths, snapshot } = tree;
  if (isSame === undefined && before.isEqual(snapshot)) return new Changes(tree, []);
  const isLike =
    isSame === undefined
      ? (place: number, now: number) => before.isLike(place, snapshot, now)
      : (place: number, now: number) => isSame(before, place, tree.node(now));
  const puts = new Set<number>();
  let gone: BytePath[] = [];
  if (before.hasPathsOf(snapshot)) {
    for (let place = 0; place < paths.length; place++) if (!isLike(place, place)) puts.add(place);
  } else {
    const seen = new Uint8Array(before.size);
    // A scan's order is always the same: the next of before is most often the one that is looked for.
    let next = 0;
    paths.forEach((path, now) => {
      const place = before.placeOf(path, next);
      if (place >= 0) {
        next = place + 1;
        seen[place] = 1;
      }
      if (place < 0 || !isLike(place, now)) puts.add(now);
    });
    gone = removals(before, seen, tree, above);
  }
  const untold = untoldIn(before, tree, above);
  for (const place of untold) puts.delete(place);
  // A layer has all names of a file or none: a hardlink to a layer below is not understood everywhere.
  for (const names of namesOf(tree)) {
    if (names.some((name) => puts.has(name))) for (const name of names) puts.add(name);
  }
  if (puts.size === 0 && gone.length === 0) return new Changes(tree, []);
  const emptied = emptiedFolders(before, tree, gone, above);
  const touched = withFolders(tree, puts, gone);
  const places: number[] = [];
  const marks: Mark[] = [];
  const mark = (one: Mark): void => {
    marks.push(one);
    places.push(-marks.length);
  };
  const removed = Map.groupBy(
    gone.filter((path) => !emptied.has(parentOf(path))),
    parentOf,
  );
  const remove = (folder: BytePath): void => {
    if (emptied.has(folder)) mark({ kind: 'empty', path: folder });
    for (const path of removed.get(folder) ?? []) mark({ kind: 'remove', path });
  };
  remove(rootPath);
  for (const path of above) if (!snapshot.isFolder(snapshot.placeOf(path))) remove(path);
  for (let place = 0; place < touched.length; place++) {
    const path = paths[place];
    if (touched[place] === 0 || path === undefined) continue;
    checkName(path);
    if (!untold.has(place)) places.push(place);
    if (snapshot.isFolder(place)) remove(path);
  }
  return new Changes(tree, places, marks);
}

/** 1 for each place where something is put, and for the folders above it and above what is gone. */
function withFolders({ paths, snapshot }: Tree, puts: ReadonlySet<number>, gone: readonly BytePath[]): Uint8Array {
  const touched = new Uint8Array(paths.length);
  const above = new Set<BytePath>();
  const addAbove = (path: BytePath): void => {
    for (let up = parentOf(path); up !== '' && !above.has(up); up = parentOf(up)) above.add(up);
  };
  for (const place of puts) {
    touched[place] = 1;
    addAbove(paths[place] ?? rootPath);
  }
  for (const path of gone) addAbove(path);
  for (let place = 0; place < touched.length; place++) {
    if (snapshot.isFolder(place) && above.has(paths[place] ?? rootPath)) touched[place] = 1;
  }
  return touched;
}

/** Of files with several names, where all of these are. */
function namesOf({ links }: Tree): Iterable<number[]> {
  const names = new Map<number, number[]>();
  for (const [place, first] of links) {
    const known = names.get(first) ?? [first];
    known.push(place);
    names.set(first, known);
  }
  return names.values();
}

/** Folders that are as they were, as far as that is known. */
function untoldIn(before: Snapshot, { snapshot }: Tree, above: ReadonlySet<BytePath>): Set<number> {
  const untold = new Set<number>();
  for (const path of above) {
    const [then, now] = [before.placeOf(path), snapshot.placeOf(path)];
    if (then < 0 || now < 0) continue;
    const [one, two] = [before.node(then), snapshot.node(now)];
    if (one.type === two.type && one.mode === two.mode && one.uid === two.uid && one.gid === two.gid) untold.add(now);
  }
  return untold;
}

/**
 * The topmost of what is no longer there, in the order of its bytes; not what something else has taken the place of, and
 * of folders `above` only what was in them.
 */
function removals(before: Snapshot, seen: Uint8Array, tree: Tree, above: ReadonlySet<BytePath>): BytePath[] {
  if (!seen.includes(0)) return [];
  const folders = new Set([rootPath]);
  for (const path of above) if (tree.snapshot.placeOf(path) < 0) folders.add(path);
  tree.paths.forEach((path, place) => {
    if (tree.snapshot.isFolder(place)) folders.add(path);
  });
  const isGone = (path: BytePath, place: number): boolean => seen[place] === 0 && !above.has(path);
  return before.paths.filter((path, place) => isGone(path, place) && folders.has(parentOf(path))).sort();
}

/** Folders that have lost all of several things that were in them: one mark instead of one for each. */
function emptiedFolders(before: Snapshot, tree: Tree, gone: BytePath[], above: ReadonlySet<BytePath>): Set<BytePath> {
  if (gone.length < 2) return new Set();
  const lost = new Map<BytePath, number>();
  for (const path of gone) lost.set(parentOf(path), (lost.get(parentOf(path)) ?? 0) + 1);
  const kept = new Set<BytePath>();
  for (const path of tree.paths) if (before.placeOf(path) >= 0) kept.add(parentOf(path));
  return new Set(
    [...lost]
      .filter(([folder, count]) => folder !== '' && count > 1 && !kept.has(folder) && !above.has(folder))
      .map(([folder]) => folder),
  );
}

function checkName(path: BytePath): void {
  if (!path.includes(whiteoutPrefix) || !nameOf(path).startsWith(whiteoutPrefix)) return;
  const what = `names that begin with "${whiteoutPrefix}" mark what was removed`;
  throw invalid(`${shown(path)} cannot be in an image: ${what}`, { hint: 'Rename it, or exclude it.' });
}
