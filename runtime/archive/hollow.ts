import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  utimesSync,
} from 'node:fs';

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

/** Moves what is in `from` into `to`. Folders that both have stay those of `to`, and get the mode, owner and time of the others. */
export function fillHollow(from: Buffer, to: Buffer): void {
  for (const name of readdirSync(from, { encoding: 'latin1' })) {
    const [source, target] = [at(from, name), at(to, name)];
    const there = lstatSync(target, { throwIfNoEntry: false });
    const comes = lstatSync(source);
    if (there === undefined || !comes.isDirectory()) {
      if (there !== undefined) rmSync(target, { recursive: true });
      renameSync(source, target);
      continue;
    }
    fillHollow(source, target);
    if (there.uid !== comes.uid || there.gid !== comes.gid) lchownSync(target, comes.uid, comes.gid);
    chmodSync(target, comes.mode & 0o7777);
    utimesSync(target, comes.atimeMs / 1000, comes.mtimeMs / 1000);
    rmdirSync(source);
  }
}

/** Takes away what {@link fillHollow} has moved, and makes the folders again. */
export function emptyHollow(root: Buffer, folders: readonly string[], moved: readonly string[]): void {
  for (const name of moved) rmSync(at(root, name), { recursive: true, force: true });
  for (const folder of folders) mkdirSync(at(root, folder), { recursive: true });
}

function at(folder: Buffer, path: string): Buffer {
  return path === '' ? folder : Buffer.concat([folder, Buffer.from('/'), Buffer.from(path, 'latin1')]);
}
