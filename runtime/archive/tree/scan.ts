import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { invalid, SubpipeError } from '../../errors.ts';
import { type BytePath, fromLatin1, join, locator, rootPath, shown } from '../path.ts';
import { ignoreFile, type Patterns, selection } from './ignore.ts';

/** Where a pull works while it runs, at the top of a workspace: never part of its content. */
export const workFolder = '.subpipe-pull';

/** What mke2fs(8) puts at the top of a volume, for root alone: it belongs to the volume, and no workspace has it. */
export const lostAndFound = 'lost+found';

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

export interface Tree {
  /** Full path of the folder. */
  root: string;
  /** Parents before what is in them; names by their bytes. The root itself is not listed. */
  nodes: TreeNode[];
  /** What cannot be kept, for people: sockets, devices, pipes. */
  skipped: { path: BytePath; what: string }[];
}

/**
 * What is in a folder. Synchronous inside: asynchronous calls take three times as long.
 *
 * @param options.exclude what stays out; those of the folder's own `.ociignore` are added, unless `ignoreFile` is false.
 * @throws SubpipeError `INVALID` when `root` is no folder, `FAILED` when something cannot be read.
 */
export async function scanTree(
  root: string,
  options: Patterns & { ignoreFile?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<Tree> {
  const top = lstatSync(root, { throwIfNoEntry: false });
  if (top === undefined) throw invalid(`${root} is not there: expected a folder`);
  if (!top.isDirectory()) throw invalid(`${root} is not a folder`);
  const own = options.ignoreFile === false ? [] : readIgnoreFile(root);
  const chosen = await selection({ ...options, exclude: [...(options.exclude ?? []), ...own] });
  const at = locator(root);
  const tree: Tree = { root, nodes: [], skipped: [] };
  const links = new Map<number, BytePath>();

  const visit = (folder: BytePath): void => {
    options.signal?.throwIfAborted();
    const names = readdirSync(at(folder), { encoding: 'latin1' });
    names.sort();
    for (const name of names) {
      if (folder === '' && (name === workFolder || name === lostAndFound)) continue;
      const path = join(folder, name);
      const found = lstatSync(at(path), { throwIfNoEntry: false });
      if (found === undefined) throw changed(path);
      const isFolder = found.isDirectory();
      if (chosen !== undefined && !chosen.has(path, isFolder)) continue;
      const node = nodeOf(path, found);
      if (node === undefined) {
        tree.skipped.push({ path, what: kindOf(found) });
        continue;
      }
      tree.nodes.push(node);
      if (isFolder) {
        // Mounts inside a workspace could repeat inode numbers; those of their files are not links of ours.
        if (found.dev === top.dev) visit(path);
        else tree.skipped.push({ path, what: 'another filesystem mounted here (its content)' });
        // Entered for what may be in it: without that, nobody has asked for it.
        if (tree.nodes.at(-1) === node && chosen?.wants(path) === false) tree.nodes.pop();
      } else if (node.type === 'file' && found.nlink > 1) {
        const first = links.get(found.ino);
        if (first === undefined) links.set(found.ino, path);
        else node.linkTo = first;
      }
    }
  };
  try {
    visit(rootPath);
  } catch (cause) {
    if (cause instanceof SubpipeError || options.signal?.aborted === true) throw cause;
    throw new SubpipeError('FAILED', `cannot read all of ${root}`, { cause });
  }
  return tree;
}

/** How a thing looks; undefined for what no image can keep: sockets, pipes, devices. */
export function nodeOf(path: BytePath, found: Stats): TreeNode | undefined {
  const type = found.isDirectory()
    ? 'folder'
    : found.isFile()
      ? 'file'
      : found.isSymbolicLink()
        ? 'symlink'
        : undefined;
  if (type === undefined) return undefined;
  return {
    path,
    type,
    mode: found.mode & 0o7777,
    uid: found.uid,
    gid: found.gid,
    size: type === 'file' ? found.size : 0,
    mtimeMs: found.mtimeMs,
    ctimeMs: found.ctimeMs,
    ino: found.ino,
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

function readIgnoreFile(root: string): string[] {
  try {
    return readFileSync(`${root}/${ignoreFile}`, 'utf8').split(/\r?\n/);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new SubpipeError('FAILED', `cannot read ${root}/${ignoreFile}`, { cause: error });
  }
}

function kindOf(found: Stats): string {
  if (found.isSocket()) return 'a socket';
  return found.isFIFO() ? 'a pipe' : 'a device';
}
