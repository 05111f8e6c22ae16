import type { Digest } from '../../oci/digest.ts';
import type { BytePath } from '../path.ts';
import { isBelow, isSameEntry, type LayerIndex } from './layer-index.ts';

/** Layers of an image that another one stands for. */
export interface Line {
  /** The lowest first. */
  layers: readonly Digest[];
  /** How many of these were made together, of all of a folder: fewer say nothing. 0 where none were. */
  anew: number;
  /** What it stands for itself besides: places in the list that it is in. */
  from: readonly number[];
}

/** What an image stands for besides its layers, where it was made anew. */
export interface Lineage {
  anew: number;
  from: readonly number[];
  lines: readonly Line[];
}

export const noLineage: Lineage = { anew: 0, from: [], lines: [] };

export interface Lined<L extends { digest: Digest } = { digest: Digest }> {
  /** The lowest first. */
  layers: readonly L[];
  lineage?: Lineage | undefined;
}

/**
 * The layers laid over each other of images: those of the first, then what each other has from where it leaves all
 * before it.
 */
export function stackLayers<L extends { digest: Digest }>(images: readonly { layers: readonly L[] }[]): L[] {
  const stack: L[] = [];
  images.forEach(({ layers }, i) => {
    const known = Math.max(
      0,
      ...images.slice(0, i).map((other) => sharedCount(digestsOf(layers), digestsOf(other.layers))),
    );
    stack.push(...layers.slice(known));
  });
  return stack;
}

/** What images have in common, and in which of the lines of each. */
interface Common {
  layers: readonly Digest[];
  at: readonly number[];
}

/**
 * The last common ancestor of images, as far as it is known: a beginning of a line of each. Of several, one that stands
 * for the others, else the longest.
 */
export function commonLineage(images: readonly Lined[]): readonly Digest[] {
  const [one, ...rest] = images.map(({ layers }) => digestsOf(layers));
  const count = Math.min(one?.length ?? 0, ...rest.map((layers) => sharedCount(one ?? [], layers)));
  // Layers that all begin with: what is in several of the others is told by them as well.
  if (count > 0 && images.every(({ lineage }) => count >= (lineage?.anew ?? 0))) return one?.slice(0, count) ?? [];
  return commonLine(images.map(linesOf));
}

function commonLine(lines: readonly (readonly Line[])[]): readonly Digest[] {
  const reached = lines.map((list) => list.map((_, at) => reachedFrom(list, at)));
  const [first = [], ...others] = lines;
  const found: Common[] = [];
  for (const [at, line] of first.entries()) {
    const matches = others.map((list) => longestMatch(line, list));
    const count = Math.min(line.layers.length, ...matches.map((match) => match.count));
    const places = [at, ...matches.map((match) => match.at)];
    const isWhole = places.every((place, i) => count >= (lines[i]?.[place]?.anew ?? 0));
    if (count > 0 && isWhole) found.push({ layers: line.layers.slice(0, count), at: places });
  }
  const begins = (layers: readonly Digest[], beginning: readonly Digest[]): boolean =>
    sharedCount(beginning, layers) === beginning.length;
  const isOther = (one: Common, other: Common): boolean =>
    one.layers.length !== other.layers.length || !begins(one.layers, other.layers);
  const standsFor = (one: Common, other: Common): boolean =>
    one.at.some((place, i) =>
      [...(reached[i]?.[place] ?? [])].some((below) => begins(lines[i]?.[below]?.layers ?? [], other.layers)),
    );
  // It has all of the other's layers; or in some image its line stands for one that has, and not the other way round, as
  // what a whole line stands for, a beginning of it need not.
  const isLater = (one: Common, other: Common): boolean => {
    if (begins(one.layers, other.layers)) return isOther(one, other);
    return standsFor(one, other) && !begins(other.layers, one.layers) && !standsFor(other, one);
  };
  found.sort((a, b) => b.layers.length - a.layers.length);
  const last = found.find((one) => !found.some((other) => isLater(other, one)));
  return (last ?? found[0])?.layers ?? [];
}

/** Its own layers, then what they stand for. */
function linesOf({ layers, lineage = noLineage }: Lined): Line[] {
  const moved = <T extends { from: readonly number[] }>(line: T): T => ({
    ...line,
    from: line.from.map((at) => at + 1),
  });
  const own = { layers: digestsOf(layers), anew: lineage.anew, from: lineage.from };
  return [moved(own), ...lineage.lines.map(moved)];
}

function reachedFrom(lines: readonly Line[], at: number, found = new Set<number>()): Set<number> {
  for (const next of lines[at]?.from ?? []) {
    if (found.has(next)) continue;
    found.add(next);
    reachedFrom(lines, next, found);
  }
  return found;
}

function longestMatch(line: Line, lines: readonly Line[]): { count: number; at: number } {
  let longest = { count: 0, at: 0 };
  for (const [at, { layers, anew }] of lines.entries()) {
    const count = sharedCount(line.layers, layers);
    if (count > longest.count && count >= anew) longest = { count, at };
  }
  return longest;
}

export function digestsOf(layers: readonly { digest: Digest }[]): Digest[] {
  return layers.map(({ digest }) => digest);
}

/** How many layers two lines begin with in common. */
export function sharedCount(one: readonly Digest[], two: readonly Digest[]): number {
  let count = 0;
  while (count < one.length && one[count] === two[count]) count++;
  return count;
}

/**
 * What an image has changed in what it was made from, where its layers tell all that it has: what is the same is no
 * change, what it has not is removed. Owners are no difference, as a push of all of a folder has its own; nor are
 * attributes that it has none of, as they may not have been set where it was pulled.
 */
export function changedFrom(before: LayerIndex, now: LayerIndex): LayerIndex {
  const removed = new Set([...now.removed].filter((path) => !before.removed.has(path)));
  const emptied = new Set([...now.emptied].filter((path) => !before.emptied.has(path)));
  // What was taken away and put again must be said again, as the taking away is.
  const isAgain = (path: BytePath): boolean => removed.has(path) || isBelow(path, removed) || isBelow(path, emptied);
  const same = (path: BytePath): boolean =>
    isSameEntry(now.puts.get(path), before.puts.get(path), { anew: true }) && !isAgain(path);
  const puts = new Map([...now.puts].filter(([path]) => !same(path)));
  for (const path of before.puts.keys()) if (!now.puts.has(path)) removed.add(path);
  return { puts, removed, emptied };
}
