import { SubpipeError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import type { Stage } from './extract.ts';
import { type IndexEntry, indexLayer, type LayerIndex, stackIndexes } from './layer-index.ts';
import { type BytePath, parentOf, shown } from './path.ts';
import type { LayerSource } from './read-layer.ts';

/** An image to merge: its layers, the lowest first. */
export interface MergeSource {
  /** For people. */
  name: string;
  layers: readonly (LayerSource & { digest: Digest })[];
}

/**
 * What to do with a path that sources changed differently: `error` names them (default), or the change of the first or
 * last source that has one is taken, or that of the source with this name where it has one, else it is an error.
 */
export type MergePolicy = 'error' | 'first' | 'last' | { ours: string };

/** What {@link extractLayers} takes. */
export interface MergePlan {
  stages: Stage[];
  gone: { removed: Set<BytePath>; emptied: Set<BytePath> };
  /** Paths where the policy has decided. */
  decided: BytePath[];
  /** Paths that are something else in the merge than in an image of {@link stackLayers}; where none is decided, these are all. */
  amiss: BytePath[];
}

type Own = { layer: LayerSource & { digest: Digest }; index: LayerIndex };
type Side = { source: MergeSource; index: LayerIndex; own: Own[] };
type Said = { side: Side; put: IndexEntry | undefined };

/**
 * Merges images three ways, by path. Their ancestor is the layers that all begin with; what only one source changed is
 * taken from it, what several changed in the same way is taken once. One source is taken as it is.
 *
 * @throws SubpipeError `CONFLICT` naming the paths that sources changed differently.
 */
export async function planMerge(
  sources: readonly MergeSource[],
  options: { policy?: MergePolicy; signal?: AbortSignal | undefined } = {},
): Promise<MergePlan> {
  const [first, ...others] = sources;
  const gone = { removed: new Set<BytePath>(), emptied: new Set<BytePath>() };
  if (first === undefined) return { stages: [], gone, decided: [], amiss: [] };
  let common = 0;
  while (
    common < first.layers.length &&
    others.every((other) => other.layers[common]?.digest === first.layers[common]?.digest)
  ) {
    common++;
  }
  const shared = first.layers.slice(0, common);
  const changed = sources.filter((source) => source.layers.length > common);
  const [only] = changed;
  if (only === undefined || changed.length === 1) {
    return { stages: (only ?? first).layers.map((layer) => ({ layer })), gone, decided: [], amiss: [] };
  }
  const sides: Side[] = [];
  for (const source of changed) {
    const own: Side['own'] = [];
    for (const layer of source.layers.slice(common)) own.push({ layer, index: await indexLayer(layer, options) });
    sides.push({ source, own, index: stackIndexes(own.map(({ index }) => index)) });
  }
  const ancestor = lazy(async () => {
    const indexes: LayerIndex[] = [];
    for (const layer of shared)
      indexes.push(await indexLayer(layer, { ...options, select: (path) => isSaid(path, sides) }));
    return stackIndexes(indexes);
  });
  const { winners, decided } = await decide(sides, ancestor, options.policy ?? 'error');
  const stages: Stage[] = shared.map((layer) => ({ layer }));
  for (const side of sides) {
    for (const { layer, index } of side.own) {
      stages.push({
        layer,
        accept: (path) => {
          const put = index.puts.get(path);
          return put !== undefined && winners.get(path)?.put === put;
        },
      });
    }
  }
  for (const [path, { side, put }] of winners) {
    if (put === undefined || side.index.removed.has(path)) gone.removed.add(path);
  }
  for (const { index } of sides) for (const path of index.emptied) gone.emptied.add(path);
  for (const [path, { put }] of winners) if (put !== undefined && put.header.type !== 'folder') gone.removed.add(path);
  return { stages, gone, decided, amiss: amissIn(sides, winners) };
}

/**
 * The layers of images laid over each other: those of the first, then what each other has from where it leaves all
 * before it.
 */
export function stackLayers<L extends { digest: Digest }>(images: readonly { layers: readonly L[] }[]): L[] {
  const stack: L[] = [];
  images.forEach(({ layers }, i) => {
    const known = Math.max(0, ...images.slice(0, i).map((other) => sharedCount(layers, other.layers)));
    stack.push(...layers.slice(known));
  });
  return stack;
}

/** How many layers two images begin with in common. */
function sharedCount(one: readonly { digest: Digest }[], two: readonly { digest: Digest }[]): number {
  let count = 0;
  while (count < one.length && one[count]?.digest === two[count]?.digest) count++;
  return count;
}

/** Where layers laid over each other do not give what the merge gives. Other times alone are no difference. */
function amissIn(sides: readonly Side[], winners: ReadonlyMap<BytePath, Said>): BytePath[] {
  const own = sides.map((side) => ({
    layers: side.own.map(({ layer, index }) => ({ digest: layer.digest, index })),
  }));
  const stacked = stackIndexes(stackLayers(own).map(({ index }) => index));
  return [...winners].filter(([path, { put }]) => !isSame(put, stacked.puts.get(path))).map(([path]) => path);
}

/** What was before is asked about nothing else. */
function isSaid(path: BytePath, sides: readonly Side[]): boolean {
  return sides.some(({ index }) => index.puts.has(path) || index.removed.has(path));
}

/** Whose change counts, by path. */
async function decide(sides: readonly Side[], ancestor: () => Promise<LayerIndex>, policy: MergePolicy) {
  const said = new Map<BytePath, Said[]>();
  const add = (path: BytePath, what: Said): void => {
    const list = said.get(path);
    if (list === undefined) said.set(path, [what]);
    else list.push(what);
  };
  for (const side of sides) {
    for (const [path, put] of side.index.puts) add(path, { side, put });
    for (const path of side.index.removed) if (!side.index.puts.has(path)) add(path, { side, put: undefined });
  }
  // A folder that one side removes or makes a file of, and another changes something in.
  for (const [path, list] of said) {
    for (let up = parentOf(path); up !== ''; up = parentOf(up)) {
      const ended = said.get(up)?.filter((other) => other.put?.header.type !== 'folder') ?? [];
      for (const other of ended) {
        if (!list.some(({ side }) => side === other.side)) list.push({ side: other.side, put: undefined });
      }
    }
    for (const side of sides) {
      const isEmptied = side.index.emptied.has(parentOf(path)) && !list.some((other) => other.side === side);
      if (!isEmptied) continue;
      const wasThere = side.own.some(({ index }) => index.puts.has(path)) || (await ancestor()).puts.has(path);
      if (wasThere) list.push({ side, put: undefined });
    }
  }
  const winners = new Map<BytePath, Said>();
  const conflicts: BytePath[] = [];
  const decided: BytePath[] = [];
  for (const [path, list] of said) {
    let rest = different(withoutSuperseded(path, list));
    if (rest.length > 1) {
      const before = (await ancestor()).puts.get(path);
      const changed = rest.filter(({ put }) => !isSame(put, before));
      rest = changed.length === 0 ? rest.slice(0, 1) : changed;
    }
    const winner = rest.length === 1 ? rest[0] : choose(rest, policy);
    if (winner === undefined) conflicts.push(path);
    else winners.set(path, winner);
    if (rest.length > 1) decided.push(path);
  }
  if (conflicts.length > 0) throw conflict(conflicts, sides);
  return { winners, decided };
}

/**
 * Without what a side says by a layer that another side has too, and has said something later: of images that were made
 * one from the other in part, the later one knew.
 */
function withoutSuperseded(path: BytePath, list: readonly Said[]): readonly Said[] {
  if (list.length < 2) return list;
  const last = list.map(({ side }) => side.own.findLastIndex(({ index }) => speaksOf(index, path)));
  return list.filter(({ side }, i) => {
    return !list.some((other, j) => {
      const shared = sharedCount(
        side.own.map(({ layer }) => layer),
        other.side.own.map(({ layer }) => layer),
      );
      return (last[i] ?? 0) < shared && (last[j] ?? 0) >= shared;
    });
  });
}

function speaksOf(index: LayerIndex, path: BytePath): boolean {
  if (index.puts.has(path) || index.removed.has(path)) return true;
  for (let up = parentOf(path); ; up = parentOf(up)) {
    if (index.emptied.has(up)) return true;
    if (up === '') return false;
    if (index.removed.has(up) || (index.puts.get(up)?.header.type ?? 'folder') !== 'folder') return true;
  }
}

/** One of each kind of change. Times alone are no difference: the newest is taken. */
function different(list: readonly Said[]): Said[] {
  const kinds: Said[] = [];
  for (const one of list) {
    const at = kinds.findIndex((other) => isSame(one.put, other.put));
    const known = kinds[at];
    if (known === undefined) kinds.push(one);
    else if ((one.put?.header.mtime ?? 0) > (known.put?.header.mtime ?? 0)) kinds[at] = one;
  }
  return kinds;
}

function isSame(a: IndexEntry | undefined, b: IndexEntry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [one, two] = [a.header, b.header];
  const type = (header: typeof one) => (header.type === 'hardlink' ? 'file' : header.type);
  return (
    type(one) === type(two) &&
    (one.type === 'symlink' || one.mode === two.mode) &&
    one.uid === two.uid &&
    one.gid === two.gid &&
    a.content === b.content &&
    (one.type !== 'symlink' || one.target === two.target)
  );
}

function choose(rest: readonly Said[], policy: MergePolicy): Said | undefined {
  if (policy === 'error') return undefined;
  if (policy === 'first') return rest[0];
  if (policy === 'last') return rest.at(-1);
  return rest.find(({ side }) => side.source.name === policy.ours);
}

function conflict(paths: readonly BytePath[], sides: readonly Side[]): SubpipeError {
  const named = paths.slice(0, 20).map(shown).join(', ');
  const more = paths.length > 20 ? ` and ${paths.length - 20} more` : '';
  const names = sides.map(({ source }) => source.name).join(', ');
  return new SubpipeError('CONFLICT', `${names} changed the same paths differently: ${named}${more}`, {
    hint: 'Let parallel Tasks write to different paths, or choose whose change counts: first, last or ours.',
  });
}

function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
