import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { asDigest, type Digest } from '../../oci/digest.ts';
import type { IndexEntry, LayerIndex } from '../merge/layer-index.ts';
import { locator } from '../path.ts';
import { type Changes, changesSince } from './changes.ts';
import { linkTarget, type TreeNode } from './node.ts';
import { Snapshot } from './snapshot.ts';
import type { Tree } from './tree.ts';

/**
 * What differs between an image and a folder, where no state tells what was pulled (`--base`): by kind, mode, time and
 * content; files of the same size are read. Owners are not compared: a pull gives files to who runs it.
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
  return changesSince(Snapshot.of(nodes), tree, (snapshot, place, now) => {
    const entry = base.puts.get(now.path);
    const before = snapshot.node(place);
    if (entry === undefined || before.type !== now.type) return false;
    // Node's times are exact to a quarter of a microsecond.
    if (options.times !== false && Math.abs(before.mtimeMs - now.mtimeMs) > 0.001) return false;
    if (now.type === 'symlink') return entry.header.target === linkTarget(tree, now.path);
    if (before.mode !== now.mode) return false;
    return now.type === 'folder' || hasContent(entry, now, at(now.path));
  });
}

function hasContent(entry: IndexEntry, now: TreeNode, path: string | Buffer): boolean {
  if (entry.header.type === 'file' && entry.header.size !== now.size) return false;
  return entry.content === contentOf(path);
}

function contentOf(path: string | Buffer): Digest {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, count));
    }
    return asDigest(hash);
  } finally {
    closeSync(fd);
  }
}
