import { closeSync, constants, lstatSync, openSync, readdirSync, rmSync, type Stats } from 'node:fs';
import process from 'node:process';
import { moveTo } from './move.ts';

// Paths are latin1, as in path.ts: one character a byte.

/** What goes where: the topmost paths that only one of two trees has as a folder, and which of them are taken already. */
export interface Overlay {
  paths: readonly string[];
  /** Those of `paths` where something was: it goes aside, under its number in `paths`. */
  had: readonly string[];
}

/** What has to be moved so that all of `from` is in `to`. Folders that both have stay those of `to`, and links are no folders. */
export function planOverlay(from: Buffer, to: Buffer, except: readonly string[]): Overlay {
  const paths: string[] = [];
  const had: string[] = [];
  const visit = (folder: string): void => {
    for (const name of readdirSync(at(from, folder), { encoding: 'latin1' })) {
      if (folder === '' && except.includes(name)) continue;
      const path = folder === '' ? name : `${folder}/${name}`;
      const there = find(at(to, path));
      if (there?.isDirectory() === true && find(at(from, path))?.isDirectory() === true) {
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
      if (taken.has(path)) moveTo(place, at(aside, String(i)));
      moveTo(at(from, path), place);
    });
  });
}

/** Puts back what {@link moveOverlay} has moved, wherever it was cut off. */
export function undoOverlay({ paths, had }: Overlay, from: Buffer, to: Buffer, aside: Buffer): void {
  const taken = new Set(had);
  paths.forEach((path, i) => {
    const old = at(aside, String(i));
    const wasMoved = find(old) !== undefined;
    const isNew = taken.has(path) ? wasMoved : find(at(from, path)) === undefined;
    if (!isNew) return;
    inFolderOf(to, path, (place) => {
      rmSync(place, { recursive: true, force: true });
      if (wasMoved) moveTo(old, place);
    });
  });
}

/**
 * Calls `work` with a path's place, below folders that are held open: a folder that somebody swaps for a link meanwhile
 * leads nowhere else. Only Linux can name what is held open; elsewhere it is the plain path.
 */
function inFolderOf(root: Buffer, path: string, work: (place: Buffer) => void): void {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  if (parts.length === 0 || process.platform !== 'linux') {
    work(at(root, path));
    return;
  }
  const open: number[] = [];
  let folder = root;
  try {
    for (const part of parts) {
      const fd = openSync(at(folder, part), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      open.push(fd);
      folder = Buffer.from(`/proc/self/fd/${fd}`);
    }
    work(at(folder, name));
  } finally {
    for (const fd of open) closeSync(fd);
  }
}

function find(path: Buffer): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function at(folder: Buffer, path: string): Buffer {
  return path === '' ? folder : Buffer.concat([folder, Buffer.from('/'), Buffer.from(path, 'latin1')]);
}
