import { hasSameAttributes, type LayerIndex } from '../../runtime/archive/merge/layer-index.ts';
import { type BytePath, parentOf } from '../../runtime/archive/path.ts';
import { selectBelow } from '../../runtime/archive/tree/select.ts';
import { isNeeded } from '../../runtime/workspace/cover.ts';
import type { WorkspaceImage, WorkspaceLayer } from '../../runtime/workspace/image.ts';
import { type Content, contentOf, type Item, putOver } from './content.ts';
import type { Reading } from './context.ts';
import { readIndexes } from './layers.ts';

/** A path that is not the same in two workspaces. */
export interface Difference {
  kind: 'added' | 'changed' | 'removed';
  path: BytePath;
  before: Item | undefined;
  after: Item | undefined;
  /** What changed; empty where it was added or removed. */
  what: ('type' | 'content' | 'mode' | 'owner' | 'target' | 'attributes' | 'time')[];
}

export interface CompareOptions {
  /** Whether another time alone is a change. */
  times: boolean;
}

/**
 * What differs between two workspaces, by path. Of images that begin with the same layers, those are read only where
 * they may have something of what the others are about: `subpipe.dev/paths` on a layer tells.
 */
export async function compareImages(
  before: readonly WorkspaceImage[],
  after: readonly WorkspaceImage[],
  options: CompareOptions,
  reading: Reading,
): Promise<Difference[]> {
  const [one, two] = [before[0], after[0]];
  if (one === undefined || two === undefined || before.length > 1 || after.length > 1) {
    return differences(await contentOf(before, {}, reading), await contentOf(after, {}, reading), options);
  }
  let common = 0;
  while (common < one.layers.length && isSameLayer(one.layers[common], two.layers[common])) common++;
  const shared = one.layers.slice(0, common);
  const [mine, theirs] = [one.layers.slice(common), two.layers.slice(common)];
  const indexes = await readIndexes([...mine, ...theirs], reading);
  const about = aboutOf(indexes);
  const needed = new Set(about.length === 0 ? [] : shared.filter((layer) => isNeeded(layer, about)));
  const base: Content = new Map();
  const select = selectBelow(new Set(about));
  for (const index of await readIndexes([...needed], reading, select)) putOver(base, index);
  const old: Content = new Map(base);
  for (const index of indexes.slice(0, mine.length)) putOver(old, index);
  for (const index of indexes.slice(mine.length)) putOver(base, index);
  const unread = shared.filter((layer) => !needed.has(layer));
  // A folder above a change is told by its layer, be it new or not; one that layers below have as well was there.
  return differences(old, base, options).filter(({ kind, path, before, after }) => {
    return kind === 'changed' || (before ?? after)?.type !== 'folder' || !unread.some((l) => isNeeded(l, [path]));
  });
}

/** Two layers that unpack to the same bytes, however they are packed. */
function isSameLayer(one: WorkspaceLayer | undefined, two: WorkspaceLayer | undefined): boolean {
  if (one === undefined || two === undefined) return false;
  if (one.descriptor.digest === two.descriptor.digest) return true;
  return one.diffId !== undefined && one.diffId === two.diffId;
}

/** What layers are about: not the folders that are told only because something in them is. */
function aboutOf(indexes: readonly LayerIndex[]): BytePath[] {
  const about = new Set<BytePath>();
  for (const { puts, removed, emptied } of indexes) {
    const inside = new Set([...puts.keys(), ...removed].map(parentOf));
    for (const [path, { header }] of puts) if (header.type !== 'folder' || !inside.has(path)) about.add(path);
    for (const path of removed) about.add(path);
    for (const path of emptied) about.add(path);
  }
  return [...about];
}

function differences(before: Content, after: Content, options: CompareOptions): Difference[] {
  const found: Difference[] = [];
  for (const [path, was] of before) {
    const now = after.get(path);
    const what = now === undefined ? [] : changed(was, now, options);
    if (now === undefined) found.push({ kind: 'removed', path, before: was, after: undefined, what });
    else if (what.length > 0) found.push({ kind: 'changed', path, before: was, after: now, what });
  }
  for (const [path, now] of after) {
    if (!before.has(path)) found.push({ kind: 'added', path, before: undefined, after: now, what: [] });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function changed(was: Item, now: Item, { times }: CompareOptions): Difference['what'] {
  if (was === now) return [];
  const what: Difference['what'] = [];
  if (was.type !== now.type) return ['type'];
  if (was.type === 'file' && (was.size !== now.size || was.content !== now.content)) what.push('content');
  if (was.target !== now.target) what.push('target');
  if (was.type !== 'symlink' && was.mode !== now.mode) what.push('mode');
  if (was.uid !== now.uid || was.gid !== now.gid) what.push('owner');
  if (!hasSameAttributes(was, now)) what.push('attributes');
  if (times && (was.mtime !== now.mtime || was.nanoseconds !== now.nanoseconds)) what.push('time');
  return what;
}
