import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  type Stats,
} from 'node:fs';
import process from 'node:process';
import { moveTo } from './move.ts';
import { placeIn } from './place.ts';
import { remove } from './remove.ts';

// Paths are latin1, as in path.ts: one character a byte.

/** What goes where: the topmost paths that only one of two trees has as a folder, and which of them are taken already. */
export interface Overlay {
  paths: readonly string[];
  /** Those of `paths` where something was: it goes aside, under its number in `paths`. */
  had: readonly string[];
}

/** What has to be moved so that all of `from` is in `to`, where it can be taken out of `from`. Folders that both have stay those of `to`, and links are no folders. */
export function planOverlay(from: Buffer, to: Buffer, except: readonly string[]): Overlay {
  const paths: string[] = [];
  const had: string[] = [];
  const visit = (folder: string): void => {
    for (const name of readdirSync(placeIn(from, folder), { encoding: 'latin1' })) {
      if (folder === '' && except.includes(name)) continue;
      const path = folder === '' ? name : `${folder}/${name}`;
      const there = find(placeIn(to, path));
      const comes = find(placeIn(from, path));
      if (there?.isDirectory() === true && comes?.isDirectory() === true) {
        // Nothing but its content is wanted of it, which its owner may not be allowed to take out.
        if (isLocked(comes.mode)) chmodSync(placeIn(from, path), 0o700);
        visit(path);
        continue;
      }
      paths.push(path);
      if (there !== undefined) had.push(path);
    }
  };
  visit('');
  return { paths, had };
}

/** Moves what is planned; what was there goes into the folder `aside`. */
export function moveOverlay({ paths, had }: Overlay, from: Buffer, to: Buffer, aside: Buffer): void {
  const taken = new Set(had);
  paths.forEach((path, i) => {
    inFolderOf(to, path, (place) => {
      if (taken.has(path)) moveTo(place, placeIn(aside, String(i)));
      moveTo(placeIn(from, path), place);
    });
  });
}

/** Puts back what {@link moveOverlay} has moved, wherever it was cut off. */
export function undoOverlay({ paths, had }: Overlay, from: Buffer, to: Buffer, aside: Buffer): void {
  const taken = new Set(had);
  paths.forEach((path, i) => {
    const old = placeIn(aside, String(i));
    const wasMoved = find(old) !== undefined;
    const isNew = taken.has(path) ? wasMoved : find(placeIn(from, path)) === undefined;
    if (!isNew) return;
    inFolderOf(to, path, (place) => {
      remove(place);
      if (wasMoved) moveTo(old, place);
    });
  });
}

/**
 * Calls `work` with a path's place, below folders that are held open: a folder that somebody swaps for a link meanwhile
 * leads nowhere else. Only Linux can name what is held open; elsewhere it is the plain path. A folder that its owner may not
 * write to is one that he may, meanwhile.
 */
function inFolderOf(root: Buffer, path: string, work: (place: Buffer) => void): void {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  if (parts.length === 0 || process.platform !== 'linux') {
    work(placeIn(root, path));
    return;
  }
  const open: number[] = [];
  let folder = root;
  let locked: { fd: number; mode: number } | undefined;
  try {
    for (const part of parts) {
      const fd = openSync(placeIn(folder, part), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      open.push(fd);
      folder = Buffer.from(`/proc/self/fd/${fd}`);
    }
    const [fd = -1] = open.slice(-1);
    const { mode, uid } = fstatSync(fd);
    if (isLocked(mode) && uid === process.geteuid?.()) {
      locked = { fd, mode: mode & 0o7777 };
      fchmodSync(fd, 0o700);
    }
    work(placeIn(folder, name));
  } finally {
    if (locked !== undefined) fchmodSync(locked.fd, locked.mode);
    for (const fd of open) closeSync(fd);
  }
}

function isLocked(mode: number): boolean {
  return (mode & 0o700) !== 0o700;
}

function find(path: Buffer): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
