import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { fromLatin1 } from '../path.ts';
import { HeldFolder, Inside } from './inside.ts';

// A container begins in its working folder, which is made where it is not there (runc, and Tekton's containers all start at once). So a
// fresh workspace may have folders that nobody has put anything in, but that steps are in already: they must stay the same folders.

/** The folders below `root`, parents first, where it has no more than folders; undefined where it has anything else, or nothing. */
export function hollowFolders(root: Buffer, except: readonly string[]): string[] | undefined {
  const found: string[] = [];
  const visit = (folder: string): boolean =>
    readdirSync(at(root, folder), { withFileTypes: true, encoding: 'latin1' }).every((entry) => {
      if (folder === '' && except.includes(entry.name)) return true;
      if (!entry.isDirectory()) return false;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      found.push(path);
      return visit(path);
    });
  return visit('') && found.length > 0 ? found : undefined;
}

/**
 * Moves what is in `from` into `to`. Folders that both have stay those of `to`, and get the mode, owner and time of the
 * others. Each is held open: a link that comes in its place leads nowhere.
 */
export function fillHollow(from: string, to: string): void {
  for (const name of readdirSync(from, { encoding: 'latin1' })) {
    const [source, target] = [at(Buffer.from(from), name), at(Buffer.from(to), name)];
    const there = lstatSync(target, { throwIfNoEntry: false });
    if (there === undefined || !lstatSync(source).isDirectory()) {
      if (there !== undefined) rmSync(target, { recursive: true });
      renameSync(source, target);
      continue;
    }
    using comes = new HeldFolder(source);
    using stays = new HeldFolder(target);
    const { uid, gid, mode, atimeMs, mtimeMs } = statSync(`${comes.path}/.`);
    fillHollow(comes.path, stays.path);
    const now = statSync(`${stays.path}/.`);
    if (now.uid !== uid || now.gid !== gid) chownSync(`${stays.path}/.`, uid, gid);
    chmodSync(`${stays.path}/.`, mode & 0o7777);
    utimesSync(`${stays.path}/.`, atimeMs / 1000, mtimeMs / 1000);
    rmdirSync(source);
  }
}

/** Takes away what {@link fillHollow} has moved, and makes the folders again. */
export function emptyHollow(root: string, folders: readonly string[], moved: readonly string[]): void {
  for (const name of moved) rmSync(at(Buffer.from(root), name), { recursive: true, force: true });
  using inside = new Inside(root);
  for (const folder of folders) {
    const place = inside.at(fromLatin1(folder));
    if (lstatSync(place, { throwIfNoEntry: false }) === undefined) mkdirSync(place);
  }
}

function at(folder: Buffer, path: string): Buffer {
  return path === '' ? folder : Buffer.concat([folder, Buffer.from('/'), Buffer.from(path, 'latin1')]);
}
