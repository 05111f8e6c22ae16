import { readFile, rename, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { SubpipeError } from '../errors.ts';
import { isRecord } from '../oci/manifest.ts';
import { type BytePath, fromLatin1 } from './path.ts';
import type { Tree, TreeNode } from './scan.ts';

/** Raised when the file's shape changes; a file of another version counts as none. */
const version = 1;

/** File systems stamp changes by a clock that ticks every 4 or 10 ms (CONFIG_HZ). */
const tick = 20;

const types = ['file', 'folder', 'symlink'] as const;

/**
 * What a folder was when its image was pulled: each thing's kind, size, owner, mode, inode, and times of content and of
 * change. Kept in a file outside the folder. `about` is the caller's (the image's digest, its layers).
 */
export interface State {
  about: Record<string, unknown>;
  nodes: Map<BytePath, TreeNode>;
}

/**
 * Writes a state file, by rename. Waits some milliseconds where something has just changed: a change within the same
 * tick of the file system's clock would not show.
 */
export async function saveState(
  file: string,
  tree: Pick<Tree, 'nodes'>,
  about: Record<string, unknown>,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { nodes } = tree;
  let newest = 0;
  for (const { ctimeMs } of nodes) newest = Math.max(newest, ctimeMs);
  // Columns: a third of the size of objects, and read in a third of the time.
  const text = JSON.stringify({
    version,
    about,
    path: nodes.map(({ path }) => path),
    type: nodes.map(({ type }) => types.indexOf(type)),
    mode: nodes.map(({ mode }) => mode),
    uid: nodes.map(({ uid }) => uid),
    gid: nodes.map(({ gid }) => gid),
    size: nodes.map(({ size }) => size),
    mtime: nodes.map(({ mtimeMs }) => mtimeMs),
    ctime: nodes.map(({ ctimeMs }) => ctimeMs),
    ino: nodes.map(({ ino }) => ino),
  });
  const wait = newest + tick - Date.now();
  if (wait > 0)
    await sleep(Math.min(wait, tick), undefined, options.signal === undefined ? {} : { signal: options.signal });
  const part = `${file}.${process.pid}.part`;
  await writeFile(part, text);
  await rename(part, file);
}

/**
 * Reads a state file. Undefined when there is none, or one of another version: then all counts as changed.
 * @throws SubpipeError `FAILED` when it is there and cannot be read.
 */
export async function loadState(file: string): Promise<State | undefined> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new SubpipeError('FAILED', `cannot read the state file ${file}`, { cause });
  }
  if (!isRecord(value) || value.version !== version) return undefined;
  const paths = value.path;
  const numbers = ['type', 'mode', 'uid', 'gid', 'size', 'mtime', 'ctime', 'ino'].map((name) => value[name]);
  const [type, mode, uid, gid, size, mtime, ctime, ino] = numbers.map((column) => (isNumbers(column) ? column : []));
  if (!isTexts(paths) || !isRecord(value.about)) throw new SubpipeError('FAILED', `the state file ${file} is damaged`);
  const nodes = new Map<BytePath, TreeNode>();
  for (let i = 0; i < paths.length; i++) {
    const path = fromLatin1(paths[i] ?? '');
    const kind = types[type?.[i] ?? -1];
    const changed = ctime?.[i];
    if (kind === undefined || changed === undefined)
      throw new SubpipeError('FAILED', `the state file ${file} is damaged`);
    nodes.set(path, {
      path,
      type: kind,
      mode: mode?.[i] ?? 0,
      uid: uid?.[i] ?? 0,
      gid: gid?.[i] ?? 0,
      size: size?.[i] ?? 0,
      mtimeMs: mtime?.[i] ?? 0,
      ctimeMs: changed,
      ino: ino?.[i] ?? 0,
    });
  }
  return { about: value.about, nodes };
}

/** Whether nothing has happened to it: no content, mode, owner, link or attribute changes without a new ctime. */
export function isUntouched(before: TreeNode, now: TreeNode): boolean {
  return (
    before.ctimeMs === now.ctimeMs &&
    before.ino === now.ino &&
    before.size === now.size &&
    before.mtimeMs === now.mtimeMs &&
    before.type === now.type &&
    before.mode === now.mode &&
    before.uid === now.uid &&
    before.gid === now.gid
  );
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
