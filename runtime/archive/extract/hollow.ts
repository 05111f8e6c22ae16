import {
  chmodSync,
  chownSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  statSync,
} from 'node:fs';
import process from 'node:process';
import { SubpipeError } from '../../errors.ts';
import { loadLibc } from '../libc.ts';
import { attributesOf } from '../pack/write-tree.ts';
import { type BytePath, fromLatin1, shown } from '../path.ts';
import { HeldFolder, Inside } from './inside.ts';
import { moveTo } from './move.ts';
import { placeIn } from './place.ts';
import { remove, removeAround } from './remove.ts';
import { setTime } from './traits.ts';

// A container begins in its working folder, which is made where it is not there (runc, and Tekton's containers all start at once). So a
// fresh workspace may have folders that nobody has put anything in, but that steps are in already: they must stay the same folders.

/**
 * The folders below `root`, parents first, where it has no more than folders; undefined where it has anything else, or nothing.
 *
 * @param except paths that do not count, whatever they are.
 */
export function hollowFolders(root: Buffer, except: ReadonlySet<string>): string[] | undefined {
  const found: string[] = [];
  const visit = (folder: string): boolean =>
    readdirSync(placeIn(root, folder), { withFileTypes: true, encoding: 'latin1' }).every((entry) => {
      const path = below(folder, entry.name);
      if (except.has(path)) return true;
      if (!entry.isDirectory()) return false;
      found.push(path);
      return visit(path);
    });
  return visit('') && found.length > 0 ? found : undefined;
}

/**
 * Whether {@link fillHollow} can fill these: who is not root can give a folder of others no mode and no time.
 *
 * @throws SubpipeError `FAILED` with the first that it cannot.
 */
export function checkHollow(from: string, to: string, folders: readonly string[]): void {
  const user = process.geteuid?.() ?? 0;
  if (user === 0) return;
  for (const folder of folders) {
    const { uid } = lstatSync(placeIn(Buffer.from(to), folder));
    if (uid === user || !isFolder(placeIn(Buffer.from(from), folder))) continue;
    const what = `${to} has an empty folder of the user ${uid}, which the user ${user} cannot fill: ${shown(folder)}`;
    throw new SubpipeError('FAILED', what, {
      hint: 'It may have been made as the working folder of a step: run as root, as that user, or have no such workingDir.',
    });
  }
}

/**
 * Moves what is in `from` into `to`. Folders that both have stay those of `to`, and get the mode, owner, time and attributes
 * of the others. Each is held open: a link that comes in its place leads nowhere.
 *
 * @param except paths of which nothing is moved.
 */
export function fillHollow(from: string, to: string, except: ReadonlySet<string>, folder = ''): void {
  for (const name of readdirSync(from, { encoding: 'latin1' })) {
    const [source, target] = [placeIn(Buffer.from(from), name), placeIn(Buffer.from(to), name)];
    const path = below(folder, name);
    if (except.has(path)) {
      remove(source);
      continue;
    }
    const there = lstatSync(target, { throwIfNoEntry: false });
    const seen = lstatSync(source, { bigint: true });
    if (there === undefined || !seen.isDirectory()) {
      if (there !== undefined) remove(target);
      moveTo(source, target);
      continue;
    }
    const [uid, gid, mode] = [Number(seen.uid), Number(seen.gid), Number(seen.mode)];
    const nanoseconds = Number(((seen.mtimeNs % 1000000000n) + 1000000000n) % 1000000000n);
    // Its owner may not be allowed to take anything out of it, as of a cache of Go modules.
    if ((mode & 0o700) !== 0o700) chmodSync(source, 0o700);
    using comes = new HeldFolder(source);
    using stays = new HeldFolder(target);
    fillHollow(comes.path, stays.path, except, path);
    giveAttributes(`${comes.path}/.`, `${stays.path}/.`);
    const now = statSync(`${stays.path}/.`);
    if (now.uid !== uid || now.gid !== gid) chownSync(`${stays.path}/.`, uid, gid);
    chmodSync(`${stays.path}/.`, mode & 0o7777);
    setTime(`${stays.path}/.`, Number((seen.mtimeNs - BigInt(nanoseconds)) / 1000000000n), nanoseconds);
    rmdirSync(source);
  }
}

function giveAttributes(from: string, to: string): void {
  const attributes = withFolder(from, (fd) => attributesOf(loadLibc(), fd));
  if (attributes === undefined) return;
  withFolder(to, (fd) => {
    for (const [name, value] of attributes) loadLibc()?.set(fd, name, value);
  });
}

function withFolder<T>(path: string, use: (fd: number) => T): T {
  const fd = openSync(path, 'r');
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** Takes away what {@link fillHollow} has moved, but for what is mounted there, and makes the folders again. */
export function emptyHollow(
  root: string,
  folders: readonly string[],
  moved: readonly string[],
  mounts: ReadonlySet<BytePath>,
): void {
  for (const name of moved) removeAround(Buffer.from(root), name, mounts);
  using inside = new Inside(root);
  for (const folder of folders) {
    const place = inside.at(fromLatin1(folder));
    if (lstatSync(place, { throwIfNoEntry: false }) === undefined) mkdirSync(place);
  }
}

/** Also where what it is in is none. */
function isFolder(place: Buffer): boolean {
  try {
    return lstatSync(place).isDirectory();
  } catch {
    return false;
  }
}

function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
