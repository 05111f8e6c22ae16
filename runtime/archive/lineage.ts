import type { Digest } from '../oci/digest.ts';
import { isSameEntry, type LayerIndex } from './layer-index.ts';
import type { BytePath } from './path.ts';

/** The layers of an image, and those of images that it has all of, but not by their layers. */
export interface Lined<L extends { digest: Digest } = { digest: Digest }> {
  /** The lowest first. */
  layers: readonly L[];
  lineages?: readonly (readonly Digest[])[] | undefined;
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

/** The longest beginning that some line of each image has: their last common ancestor, as far as it is known. */
export function commonLineage(images: readonly Lined[]): readonly Digest[] {
  const lines = images.map(({ layers, lineages = [] }) => [digestsOf(layers), ...lineages]);
  const [first = [], ...others] = lines;
  let longest: readonly Digest[] = [];
  for (const line of first) {
    const counts = others.map((other) => Math.max(0, ...other.map((its) => sharedCount(line, its))));
    const count = Math.min(line.length, ...counts);
    if (count > longest.length) longest = line.slice(0, count);
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
 * change, what it has not is removed. Owners are no difference, as a push of all of a folder has its own.
 */
export function changedFrom(before: LayerIndex, now: LayerIndex): LayerIndex {
  const same = (path: BytePath): boolean =>
    !now.removed.has(path) && isSameEntry(now.puts.get(path), before.puts.get(path), { owners: false });
  const removed = new Set([...now.removed].filter((path) => !before.removed.has(path)));
  for (const path of before.puts.keys()) if (!now.puts.has(path)) removed.add(path);
  return {
    puts: new Map([...now.puts].filter(([path]) => !same(path))),
    removed,
    emptied: new Set([...now.emptied].filter((path) => !before.emptied.has(path))),
  };
}
