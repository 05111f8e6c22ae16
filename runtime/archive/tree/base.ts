import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { asDigest, type Digest } from '../../oci/digest.ts';
import { loadLibc } from '../libc.ts';
import { hasSameAttributes, type IndexEntry, type LayerIndex } from '../merge/layer-index.ts';
import { attributesOf } from '../pack/write-tree.ts';
import { type BytePath, entryPath, locator } from '../path.ts';
import { type Changes, changesSince } from './changes.ts';
import { linkTarget, type TreeNode } from './node.ts';
import { Snapshot } from './snapshot.ts';
import type { Tree } from './tree.ts';

/**
 * What differs between an image and a folder, where no state tells what was pulled (`--base`): by kind, mode, time,
 * content, and which names are of one file; files of the same size are read. Owners are not compared: a pull gives files
 * to who runs it; nor are attributes that something has none of, as they may not have been set where it was pulled.
 *
 * @param base all layers of the image, put together by {@link stackIndexes}.
 * @param options.times whether another time alone is a change. Default true.
 */
export function changesFromBase(base: LayerIndex, tree: Tree, options: { times?: boolean } = {}): Changes {
  const nodes = [...base.puts].map(([path, { header }]): TreeNode => {
    const { mode, uid, gid, size, mtime, nanoseconds } = header;
    const type = header.type === 'folder' || header.type === 'symlink' ? header.type : 'file';
    return { path, type, mode, uid, gid, size, mtimeMs: mtime * 1000 + nanoseconds / 1e6, ctimeMs: 0, ino: 0 };
  });
  const at = locator(tree.root);
  const [firstThen, firstNow] = [firstNamesIn(base), firstNamesOf(tree)];
  return changesSince(Snapshot.of(nodes), tree, (snapshot, place, now) => {
    const entry = base.puts.get(now.path);
    const before = snapshot.node(place);
    if (entry === undefined || before.type !== now.type) return false;
    // Node's times are exact to a quarter of a microsecond.
    if (options.times !== false && Math.abs(before.mtimeMs - now.mtimeMs) > 0.001) return false;
    if (now.type === 'symlink') return entry.header.target === linkTarget(tree, now.path);
    if (before.mode !== now.mode || firstThen.get(now.path) !== firstNow.get(now.path)) return false;
    if (entry.header.type === 'file' && entry.header.size !== now.size) return false;
    return isSameInside(entry, now, at(now.path));
  });
}

/** Content and attributes. */
function isSameInside(entry: IndexEntry, { type }: TreeNode, path: string | Buffer): boolean {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const attributes = attributesOf(loadLibc(), fd);
    if (attributes !== undefined && !hasSameAttributes(entry.header, { type, attributes })) return false;
    return type === 'folder' || entry.content === contentOf(fd);
  } finally {
    closeSync(fd);
  }
}

function contentOf(fd: number): Digest {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) {
    hash.update(buffer.subarray(0, count));
  }
  return asDigest(hash);
}

/** Of files with several names, the first of these by its bytes. One that a layer above has replaced is another file. */
function firstNamesIn({ puts }: LayerIndex): Map<BytePath, BytePath> {
  const links: [BytePath, BytePath][] = [];
  for (const [path, { header, content }] of puts) {
    const target = header.type === 'hardlink' ? entryPath(header.target ?? '', 'the base') : path;
    if (target !== path && puts.get(target)?.content === content) links.push([path, target]);
  }
  return firstNames(links);
}

function firstNamesOf({ paths, links }: Tree): Map<BytePath, BytePath> {
  return firstNames(
    [...links].flatMap(([place, first]) => {
      const [path, target] = [paths[place], paths[first]];
      return path === undefined || target === undefined ? [] : [[path, target]];
    }),
  );
}

/** @param links names, each with another one of the same file that is no link itself. */
function firstNames(links: readonly (readonly [BytePath, BytePath])[]): Map<BytePath, BytePath> {
  const firsts = new Map<BytePath, BytePath>();
  for (const [target, group] of Map.groupBy(links, ([, target]) => target)) {
    const names = [target, ...group.map(([path]) => path)];
    const first = names.reduce((one, two) => (two < one ? two : one));
    for (const name of names) firsts.set(name, first);
  }
  return firsts;
}
