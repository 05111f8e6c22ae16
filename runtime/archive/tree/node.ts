import { readlinkSync, type Stats } from 'node:fs';
import { SubpipeError } from '../../errors.ts';
import { type BytePath, fromLatin1, locator, shown } from '../path.ts';

/** Something in a folder, as lstat told. Times are milliseconds with fractions, as Node gives them: for comparing. */
export interface TreeNode {
  path: BytePath;
  type: 'file' | 'folder' | 'symlink';
  /** Permission bits, with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes; 0 for all but files. */
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  ino: number;
  /** Of a file: its first path, where it has several names in the tree. */
  linkTo?: BytePath;
}

/** Undefined for what no image can keep: sockets, pipes, devices. */
export function typeOf(found: Stats): TreeNode['type'] | undefined {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'folder';
  return found.isSymbolicLink() ? 'symlink' : undefined;
}

/** How a thing looks; undefined for what no image can keep. */
export function nodeOf(path: BytePath, found: Stats): TreeNode | undefined {
  const type = typeOf(found);
  if (type === undefined) return undefined;
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

/** Where a symlink of the tree points. */
export function linkTarget(tree: { root: string }, path: BytePath): BytePath {
  return fromLatin1(readlinkSync(locator(tree.root)(path), { encoding: 'latin1' }));
}

/** The one error for what moves while it is read: a torn copy is never written. */
export function changed(path: BytePath): SubpipeError {
  return new SubpipeError('FAILED', `${shown(path)} changed while it was read`, {
    hint: 'Stop what writes into the folder (a sidecar, a process in the background), then push again.',
  });
}

/** Of what no image can keep, for people. */
export function kindOf(found: Stats): string {
  if (found.isSocket()) return 'a socket';
  return found.isFIFO() ? 'a pipe' : 'a device';
}
