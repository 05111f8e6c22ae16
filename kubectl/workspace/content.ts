import type { MergePolicy } from '../../runtime/archive/merge/decide.ts';
import { type IndexEntry, indexLayer, isHiddenBy, type LayerIndex } from '../../runtime/archive/merge/layer-index.ts';
import { planMerge } from '../../runtime/archive/merge/merge.ts';
import { type BytePath, entryPath } from '../../runtime/archive/path.ts';
import type { TarHeader } from '../../runtime/archive/tar/header.ts';
import type { TreeNode } from '../../runtime/archive/tree/node.ts';
import { selectPaths } from '../../runtime/archive/tree/select.ts';
import type { Digest } from '../../runtime/oci/digest.ts';
import { isNeeded } from '../../runtime/workspace/cover.ts';
import type { WorkspaceImage } from '../../runtime/workspace/image.ts';
import { layerFinder, layerName, layerOpener } from '../../runtime/workspace/layer-source.ts';
import type { Reading } from './context.ts';
import { readIndexes, sourcesOf } from './layers.ts';

/** Something in a workspace. A hardlink is a file that says what it is the same as. */
export interface Item
  extends Pick<TarHeader, 'mode' | 'uid' | 'gid' | 'size' | 'mtime' | 'nanoseconds' | 'target' | 'attributes'>,
    Pick<TreeNode, 'type'> {
  path: BytePath;
  /** Of a hardlink. */
  linkTo?: BytePath;
  /** Of a file. */
  content?: Digest;
}

export type Content = Map<BytePath, Item>;

/**
 * What is in images, merged as a pull merges them. Layers that say that they have nothing of `paths` are not read, and
 * of what is beside `paths` no more than that it is there may be known.
 * @throws SubpipeError `CONFLICT` naming the paths that they changed differently.
 */
export async function contentOf(
  images: readonly WorkspaceImage[],
  options: { paths?: readonly string[]; merge?: MergePolicy },
  reading: Reading,
): Promise<Content> {
  const { paths = [], merge = 'error' } = options;
  const select = selectPaths(paths);
  const [only] = images;
  const content: Content = new Map();
  if (only === undefined) return content;
  if (images.length === 1) {
    const needed = only.layers.filter((layer) => isNeeded(layer, paths));
    for (const index of await readIndexes(needed, reading, select)) putOver(content, index);
    return content;
  }
  // A merge is planned from what the layers say, and they are read for that once already.
  const { signal } = reading;
  const sources = images.map(({ name, layers, lineage }) => ({ name, layers: sourcesOf(layers, reading), lineage }));
  const find = layerFinder(images, layerOpener(reading.registries), signal);
  const plan = await planMerge(sources, { policy: merge, find, signal });
  const left = images.flatMap(({ layers }) => layers.filter((layer) => !isNeeded(layer, paths)).map(layerName));
  const isLeft = new Set(left);
  let isHidden = false;
  for (const { layer, accept } of plan.stages) {
    if (isLeft.has(layer.name)) continue;
    const index = await indexLayer(layer, { signal, select });
    if (accept !== undefined && !isHidden) putOver(content, { puts: new Map(), ...plan.gone });
    isHidden ||= accept !== undefined;
    putOver(content, accept === undefined ? index : accepted(index, accept));
  }
  return content;
}

function accepted(index: LayerIndex, accept: (path: BytePath) => boolean): LayerIndex {
  return { puts: new Map([...index.puts].filter(([path]) => accept(path))), removed: new Set(), emptied: new Set() };
}

/** Lays a layer over what is there (image-spec, layer.md "Applying Changesets"). */
export function putOver(content: Content, index: LayerIndex): void {
  for (const path of content.keys()) if (isHiddenBy(path, index)) content.delete(path);
  for (const [path, entry] of index.puts) content.set(path, itemOf(entry, index, content));
}

function itemOf({ path, header, content }: IndexEntry, index: LayerIndex, below: Content): Item {
  const { mode, uid, gid, size, mtime, nanoseconds, target, attributes } = header;
  const common = { path, mode, uid, gid, mtime, nanoseconds, ...(attributes === undefined ? {} : { attributes }) };
  if (header.type === 'folder') return { ...common, type: 'folder', size: 0 };
  if (header.type === 'symlink') return { ...common, type: 'symlink', size: 0, target: target ?? '' };
  const hash = content === undefined ? {} : { content };
  if (header.type !== 'hardlink') return { ...common, ...hash, type: 'file', size };
  const linkTo = entryPath(target ?? '', 'a layer');
  const file = index.puts.get(linkTo)?.header ?? below.get(linkTo);
  const known = below.get(linkTo);
  return {
    ...common,
    ...(known?.content === undefined ? {} : { content: known.content }),
    ...(file?.attributes === undefined ? {} : { attributes: file.attributes }),
    ...hash,
    type: 'file',
    size: file?.size ?? 0,
    linkTo,
  };
}
