import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { SubpipeError } from '../errors.ts';
import { lookWidth } from './batch.ts';
import { ignoreFile } from './ignore.ts';
import { type BytePath, locator, parentOf, rootPath } from './path.ts';
import { lostAndFound, type TreeNode, workFolder } from './scan.ts';

// How things look is remembered, for the next push to see what has changed. What was seen while they were written saves
// a look at each of them, which costs as much as a fifth of a pull.

/** How many of the things that nobody has moved are looked at again. */
const samples = 64;

/** At the top of a folder, what no scan lists. */
const leftOut = [workFolder, lostAndFound];

/** A file from its {@link lookWidth} numbers. */
export function nodeOf(path: BytePath, looks: Float64Array, index: number): TreeNode {
  const at = index * lookWidth;
  return {
    path,
    type: 'file',
    mode: looks[at] ?? 0,
    uid: looks[at + 1] ?? 0,
    gid: looks[at + 2] ?? 0,
    size: looks[at + 3] ?? 0,
    mtimeMs: looks[at + 4] ?? 0,
    ctimeMs: looks[at + 5] ?? 0,
    ino: looks[at + 6] ?? 0,
  };
}

/** Something that was made a moment ago. @throws SubpipeError `FAILED` where it is there no more. */
export function lookAt(full: string | Buffer, path: BytePath): TreeNode {
  const node = lookFor(full, path);
  if (node === undefined) throw new SubpipeError('FAILED', 'something else writes into the folder that is filled');
  return node;
}

/** Parents before what is in them, names by their bytes: as `scanTree` lists them. */
export function sortAsScanned(nodes: readonly TreeNode[]): TreeNode[] {
  // A folder's content comes before a name that only begins as the folder's: `a/b` before `a.b`.
  const keyed = nodes.map((node) => ({ node, key: node.path.replaceAll('/', '\0') }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
  return keyed.map(({ node }) => node);
}

/**
 * What a scan of a folder would find, by how all looked before it was moved there. Renames change what is at the top, and
 * what is in folders that were there before (see `fillHollow`).
 *
 * @param before in the order of {@link sortAsScanned}.
 * @returns undefined where only a scan can tell.
 */
export function looksMoved(root: string, before: readonly TreeNode[]): TreeNode[] | undefined {
  const at = locator(root);
  const moved = new Map<BytePath, number>([[rootPath, 0]]);
  const nodes: TreeNode[] = [];
  const apart = Math.max(1, Math.floor(before.length / samples));
  for (const [i, node] of before.entries()) {
    const { path } = node;
    if (path === ignoreFile) return undefined;
    if (leftOut.some((name) => isWithin(path, name))) continue;
    const siblings = moved.get(parentOf(path));
    const isMoved = siblings !== undefined;
    if (isMoved) moved.set(parentOf(path), siblings + 1);
    if (!isMoved && i % apart !== 0) {
      nodes.push(node);
      continue;
    }
    const now = lookFor(at(path), path);
    if (now === undefined || now.type !== node.type) return undefined;
    // A file system may finish what it says of a file only later; then nothing of before counts.
    if (!isMoved && !isSame(node, now)) return undefined;
    if (node.type === 'folder' && now.ino !== node.ino) moved.set(path, 0);
    // What somebody has written to since then is not what was pulled.
    nodes.push(node.type === 'folder' || isSame(node, { ...now, ctimeMs: node.ctimeMs }) ? now : node);
  }
  for (const [folder, count] of moved) {
    const names = readdirSync(at(folder)).filter((name) => folder !== '' || !leftOut.includes(name));
    if (names.length !== count) return undefined;
  }
  return nodes;
}

function isWithin(path: BytePath, name: string): boolean {
  return path.startsWith(name) && (path.length === name.length || path[name.length] === '/');
}

function isSame(one: TreeNode, two: TreeNode): boolean {
  return (
    one.ctimeMs === two.ctimeMs &&
    one.ino === two.ino &&
    one.size === two.size &&
    one.mtimeMs === two.mtimeMs &&
    one.mode === two.mode &&
    one.uid === two.uid &&
    one.gid === two.gid
  );
}

function lookFor(full: string | Buffer, path: BytePath): TreeNode | undefined {
  const found = lstatSync(full, { throwIfNoEntry: false });
  const type = found === undefined ? undefined : typeOf(found);
  if (found === undefined || type === undefined) return undefined;
  const { uid, gid, mtimeMs, ctimeMs, ino } = found;
  return {
    path,
    type,
    mode: found.mode & 0o7777,
    uid,
    gid,
    size: type === 'file' ? found.size : 0,
    mtimeMs,
    ctimeMs,
    ino,
  };
}

function typeOf(found: Stats): TreeNode['type'] | undefined {
  return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : found.isSymbolicLink() ? 'symlink' : undefined;
}
