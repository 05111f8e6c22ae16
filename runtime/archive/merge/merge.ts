import { SubpipeError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Stage } from '../extract/extract.ts';
import type { LayerSource } from '../layer/read-layer.ts';
import type { BytePath } from '../path.ts';
import { decide, isSaid, type MergePolicy, type Said, type Side } from './decide.ts';
import { indexLayer, isSameEntry, type LayerIndex, stackIndexes } from './layer-index.ts';
import { changedFrom, commonLineage, digestsOf, type Lined, sharedCount, stackLayers } from './lineage.ts';

type Layer = LayerSource & { digest: Digest };

/** An image to merge: its layers, the lowest first. */
export interface MergeSource extends Lined<Layer> {
  /** For people. */
  name: string;
}

export interface MergeOptions {
  /** Default `error`. */
  policy?: MergePolicy;
  /** A layer that none of the sources has, but an ancestor of all; undefined where it is not there any more. */
  find?: (digest: Digest) => Promise<Layer | undefined>;
  signal?: AbortSignal | undefined;
}

/** What {@link extractLayers} takes. */
export interface MergePlan {
  stages: Stage[];
  gone: { removed: Set<BytePath>; emptied: Set<BytePath> };
  /** Paths where the policy has decided. */
  decided: BytePath[];
  /** Paths that are something else in the merge than in an image of {@link stackLayers}; where none is decided, these are all. */
  amiss: BytePath[];
  /** Whether all paths can be told where the two differ: not where an image was made anew, as old layers would hide its own. */
  isStackable: boolean;
  /** All paths of the sources' layers laid over each other. Reads names alone where layers have a map. */
  stacked(): Promise<ReadonlySet<BytePath>>;
}

/**
 * Merges images three ways, by path. Their ancestor is the layers that all begin with, or have begun with before they
 * were made anew; what only one source changed is taken from it, what several changed in the same way is taken once. One
 * source is taken as it is.
 *
 * @throws SubpipeError `CONFLICT` naming the paths that sources changed differently; `NOT_FOUND` where all were made anew
 * and what they were made from is gone.
 */
export async function planMerge(sources: readonly MergeSource[], options: MergeOptions = {}): Promise<MergePlan> {
  const common = commonLineage(sources);
  const changed = sources.filter(({ layers }) => !isLine(layers, common));
  const gone = { removed: new Set<BytePath>(), emptied: new Set<BytePath>() };
  const stacked = () => stackedPaths(sources, options.signal);
  const plan = { gone, decided: [], amiss: [], isStackable: true, stacked };
  if (changed.length <= 1) {
    const layers = (changed[0] ?? sources[0])?.layers ?? [];
    const isStackable = sources.every((source) => isBeginning(source.layers, layers));
    return { ...plan, stages: layers.map((layer) => ({ layer })), isStackable };
  }
  const shared = await layersOf(common, sources, options);
  const indexes = new Map<Digest, Promise<LayerIndex>>();
  const indexOf = (layer: Layer): Promise<LayerIndex> => {
    const index = indexes.get(layer.digest) ?? indexLayer(layer, { signal: options.signal });
    indexes.set(layer.digest, index);
    return index;
  };
  const sides: Side[] = [];
  for (const source of changed) sides.push(await sideOf(source, shared, indexOf));
  const ancestor = lazy(async () => {
    const before: LayerIndex[] = [];
    for (const layer of shared) {
      const select = (path: BytePath): boolean => isSaid(path, sides);
      before.push(await (indexes.get(layer.digest) ?? indexLayer(layer, { signal: options.signal, select })));
    }
    return stackIndexes(before);
  });
  const { winners, decided, overruled } = await decide(sides, ancestor, options.policy ?? 'error');
  const stages: Stage[] = shared.map((layer) => ({ layer }));
  for (const side of sides) {
    for (const { layer, index } of side.own) {
      stages.push({
        layer,
        accept: (path) => {
          const winner = winners.get(path);
          return winner?.side === side && winner.put !== undefined && winner.put === index.puts.get(path);
        },
      });
    }
  }
  for (const [path, { put }] of winners) if (put === undefined) gone.removed.add(path);
  for (const path of overruled) gone.removed.add(path);
  for (const { index } of sides) {
    for (const path of index.removed) gone.removed.add(path);
    for (const path of index.emptied) gone.emptied.add(path);
  }
  for (const [path, { put }] of winners) if (put !== undefined && put.header.type !== 'folder') gone.removed.add(path);
  const isStackable = changed.every(({ layers }) => sharedCount(digestsOf(layers), common) === common.length);
  return { ...plan, stages, decided, amiss: amissIn(sides, winners), isStackable };
}

function isBeginning(layers: readonly Layer[], longer: readonly Layer[]): boolean {
  return sharedCount(digestsOf(layers), digestsOf(longer)) === layers.length;
}

function isLine(layers: readonly Layer[], line: readonly Digest[]): boolean {
  return layers.length === line.length && sharedCount(digestsOf(layers), line) === line.length;
}

/** The layers of an ancestor, from whichever source has them. */
async function layersOf(line: readonly Digest[], sources: readonly MergeSource[], options: MergeOptions) {
  const known = new Map(sources.flatMap(({ layers }) => layers.map((layer) => [layer.digest, layer])));
  return Promise.all(
    line.map(async (digest) => {
      const layer = known.get(digest) ?? (await options.find?.(digest));
      if (layer !== undefined) return layer;
      const names = sources.map(({ name }) => name).join(', ');
      throw new SubpipeError('NOT_FOUND', `${names} were made anew from an image whose layer ${digest} is not there`, {
        hint: 'What each has changed cannot be told without it: push again from one of them.',
      });
    }),
  );
}

async function sideOf(
  { name, layers }: MergeSource,
  shared: readonly Layer[],
  indexOf: (layer: Layer) => Promise<LayerIndex>,
): Promise<Side> {
  const count = sharedCount(digestsOf(layers), digestsOf(shared));
  const own: Side['own'][number][] = [];
  for (const layer of layers.slice(count)) own.push({ layer, index: await indexOf(layer) });
  const index = stackIndexes(own.map((one) => one.index));
  if (count === shared.length) return { name, own, index };
  // Made anew since: its own layers tell all of what it has.
  const before: LayerIndex[] = [];
  for (const layer of shared.slice(count)) before.push(await indexOf(layer));
  return { name, own, index: changedFrom(stackIndexes(before), index) };
}

async function stackedPaths(sources: readonly MergeSource[], signal: AbortSignal | undefined) {
  const indexes: LayerIndex[] = [];
  for (const layer of stackLayers(sources)) indexes.push(await indexLayer(layer, { signal, select: () => false }));
  return new Set(stackIndexes(indexes).puts.keys());
}

/** Where layers laid over each other do not give what the merge gives. Other times alone are no difference. */
function amissIn(sides: readonly Side[], winners: ReadonlyMap<BytePath, Said>): BytePath[] {
  const own = sides.map((side) => ({
    layers: side.own.map(({ layer, index }) => ({ digest: layer.digest, index })),
  }));
  const stacked = stackIndexes(stackLayers(own).map(({ index }) => index));
  return [...winners].filter(([path, { put }]) => !isSameEntry(put, stacked.puts.get(path))).map(([path]) => path);
}

function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
