import { accessSync, chmodSync, constants, lstatSync, readdirSync, rmSync } from 'node:fs';
import process from 'node:process';
import { SubpipeError } from '../../errors.ts';
import { type BytePath, shown } from '../path.ts';
import { isDenied } from './move.ts';
import { placeIn } from './place.ts';

/** Also where there are folders that their owner may not write to, as in a cache of Go modules. */
export function remove(place: string | Buffer): void {
  try {
    rmSync(place, { recursive: true, force: true });
  } catch (error) {
    if (!isDenied(error)) throw error;
    const folder = Buffer.from(place);
    if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) open(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All but what is mounted in it: `mounts` are below `root`, as is `path`. */
export function removeAround(root: Buffer, path: string, mounts: ReadonlySet<BytePath>): void {
  const there = [...mounts];
  if (there.some((mount) => mount === path)) return;
  const place = placeIn(root, path);
  const names = there.some((mount) => mount.startsWith(`${path}/`)) ? readdirSync(place, { encoding: 'latin1' }) : [];
  if (names.length === 0) remove(place);
  for (const name of names) removeAround(root, `${path}/${name}`, mounts);
}

/**
 * Whether all in these can be moved away and removed: what has been moved and cannot be removed would stay for ever.
 * Only who is not root is kept from it, by folders of others.
 *
 * @throws SubpipeError `FAILED` with the first that cannot.
 */
export function checkRemovable(target: string, paths: readonly string[]): void {
  const user = process.geteuid?.() ?? 0;
  if (user === 0) return;
  const root = Buffer.from(target);
  const visit = (path: string, isMoved: boolean): void => {
    const place = placeIn(root, path);
    const seen = lstatSync(place);
    if (!seen.isDirectory()) return;
    // Their owner opens folders; whoever moves one changes its parent, which is written in it.
    if (seen.uid !== user && !isOpen(place) && (isMoved || !isEmpty(place))) throw foreign(target, path);
    const isSticky = seen.uid !== user && (seen.mode & 0o1000) !== 0;
    for (const entry of readdirSafely(place)) {
      const below = `${path}/${entry.name}`;
      if (isSticky && lstatSync(placeIn(root, below)).uid !== user) throw foreign(target, path);
      if (entry.isDirectory()) visit(below, false);
    }
  };
  for (const path of paths) visit(path, true);
}

function foreign(target: string, path: string): SubpipeError {
  return new SubpipeError('FAILED', `${target} has a folder of another user, which cannot be removed: ${shown(path)}`, {
    hint: 'Run the step as root or as that user, or empty the folder before.',
  });
}

function isOpen(folder: Buffer): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isEmpty(folder: Buffer): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch {
    return false;
  }
}

/** Of a folder that its owner may not read nothing is found: it is opened before it is removed. */
function readdirSafely(folder: Buffer) {
  try {
    return readdirSync(folder, { withFileTypes: true, encoding: 'latin1' });
  } catch (error) {
    if (isDenied(error)) return [];
    throw error;
  }
}

function open(folder: Buffer): void {
  chmodSync(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true, encoding: 'latin1' })) {
    if (entry.isDirectory()) open(placeIn(folder, entry.name));
  }
}
