import { indexLayer, type LayerIndex, stackIndexes } from '../archive/merge/layer-index.ts';
import { stackLayers } from '../archive/merge/lineage.ts';
import { changesFromBase } from '../archive/tree/base.ts';
import { allOf, type Changes, changesSince } from '../archive/tree/changes.ts';
import { foldersAbove } from '../archive/tree/select.ts';
import { splitChanges } from '../archive/tree/split.ts';
import type { Tree } from '../archive/tree/tree.ts';
import { SubpipeError } from '../errors.ts';
import type { Log } from '../log.ts';
import { isBase, type WorkspaceImage, type WorkspaceLayer } from './image.ts';
import { recall } from './memory.ts';
import { openPlace, type Registries } from './reference.ts';
import { readSource } from './source.ts';
import { weighs } from './weight.ts';

/** What a push starts from: the layers that stay, and what the next ones say. */
export interface Baseline {
  /** What the image is made from, also where none of their layers stay. */
  parents: readonly WorkspaceImage[];
  /** The lowest first; none where all of the folder is pushed. */
  below: readonly WorkspaceLayer[];
  changes: Changes;
  /** Only a part of the layers was pulled: they must stay. */
  isPart?: boolean;
  /** Which part. */
  paths?: readonly string[] | undefined;
}

export interface BaselineOptions {
  /** The file of `memoryFile`. */
  memory: string;
  base: string | undefined;
  /** Image layers above which the image is made anew. */
  maxLayers: number;
  registries: Registries;
  log: Log;
  signal: AbortSignal | undefined;
}

/**
 * What changed, and against what: what a pull has left in the memory, else `base`, else nothing.
 * Too many layers, or too much in them that is there no more: the image is made anew from the whole folder.
 */
export async function baselineOf(tree: Tree, options: BaselineOptions): Promise<Baseline> {
  const { log, maxLayers } = options;
  const known = recall(options.memory);
  if (known?.basis === 'unknown') {
    throw new SubpipeError(
      'FAILED',
      `only a part of several images was pulled into ${tree.root}: that cannot be pushed`,
      {
        hint: 'Pull all of them (without paths), then push.',
      },
    );
  }
  if (known === undefined) return fromBase(tree, options);
  const parents = known.images;
  if (known.basis === 'whole') return whole(tree, parents);
  const below = layersOf(parents);
  const changes = changesSince(known.snapshot, tree, undefined, foldersAbove(known.paths ?? []));
  if (known.partial) return { parents, below, changes, isPart: true, paths: known.paths };
  const count = below.length + splitChanges(changes).length;
  if (changes.length > 0 && count > maxLayers) {
    log.info(`the image would have ${count} layers: it is made anew from all of the folder`);
    return whole(tree, parents);
  }
  if (changes.length > 0 && weighs(below, changes, tree)) {
    log.info('most of what is in the layers is there no more: the image is made anew from all of the folder');
    return whole(tree, parents);
  }
  return { parents, below, changes };
}

/** All of a folder, in place of the layers that there are. */
export function whole(tree: Tree, parents: readonly WorkspaceImage[]): Baseline {
  return { parents, below: [], changes: allOf(tree) };
}

async function fromBase(tree: Tree, options: BaselineOptions): Promise<Baseline> {
  const { base, registries, log, signal } = options;
  if (base === undefined) return whole(tree, []);
  const parents = await readSource(base, { registries, log, signal });
  if (parents.length > 1 || !parents.every(isBase)) {
    const why = parents.length > 1 ? 'was pushed to side by side' : 'is an artifact that others made';
    log.warn(`--base=${base} ${why}: all of the folder is pushed`);
    return whole(tree, parents);
  }
  const below = layersOf(parents);
  const indexes: LayerIndex[] = [];
  for (const { descriptor, diffId, from } of below) {
    const { target } = await openPlace(from, registries);
    const open = () => target.readBlob(descriptor, { signal });
    const name = `${descriptor.digest} of ${from}`;
    indexes.push(await indexLayer({ name, size: descriptor.size, diffId, open }, { signal }));
  }
  return { parents, below, changes: changesFromBase(stackIndexes(indexes), tree) };
}

/** The layers of an image that has all that several images have. What they get wrong, the memory knows as changed. */
function layersOf(images: readonly WorkspaceImage[]): WorkspaceLayer[] {
  const named = images.map(({ layers }) => ({
    layers: layers.map((layer) => ({ digest: layer.descriptor.digest, layer })),
  }));
  return stackLayers(named).map(({ layer }) => layer);
}
