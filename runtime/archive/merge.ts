import { SubpipeError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import type { LayerSource, Stage } from './extract.ts';
import { type IndexEntry, indexLayer, type LayerIndex, stackIndexes } from './layer-index.ts';
import { type BytePath, parentOf, shown } from './path.ts';

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
}

type Side = { source: MergeSource; index: LayerIndex; own: { layer: LayerSource; index: LayerIndex }[] };
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
  if (first === undefined) return { stages: [], gone, decided: [] };
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
    return { stages: (only ?? first).layers.map((layer) => ({ layer })), gone, decided: [] };
  }
  const sides: Side[] = [];
  for (const source of changed) {
    const own: Side['own'] = [];
    for (const layer of source.layers.slice(common)) own.push({ layer, index: await indexLayer(layer, options) });
    sides.push({ source, own, index: stackIndexes(own.map(({ index }) => index)) });
  }
  const ancestor = lazy(async () => {
    const indexes: LayerIndex[] = [];
    for (const layer of shared) indexes.push(await indexLayer(layer, options));
    return stackIndexes(indexes);
  });
  const { winners, decided } = await decide(sides, ancestor, options.policy ?? 'error');
  const stages: Stage[] = shared.map((layer) => ({ layer }));
  for (const side of sides) {
    side.own.forEach(({ layer, index }, at) => {
      const above = side.own.slice(at + 1).map((later) => later.index);
      stages.push({
        layer,
        accept: (path) =>
          winners.get(path)?.side === side && index.puts.has(path) && !above.some((later) => later.puts.has(path)),
      });
    });
  }
  for (const [path, { side, put }] of winners) {
    if (put === undefined || side.index.removed.has(path)) gone.removed.add(path);
  }
  for (const { index } of sides) for (const path of index.emptied) gone.emptied.add(path);
  for (const [path, { put }] of winners) if (put !== undefined && put.header.type !== 'folder') gone.removed.add(path);
  return { stages, gone, decided };
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
      if (isEmptied && (await ancestor()).puts.has(path)) list.push({ side, put: undefined });
    }
  }
  const winners = new Map<BytePath, Said>();
  const conflicts: BytePath[] = [];
  const decided: BytePath[] = [];
  for (const [path, list] of said) {
    let rest = different(list);
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
