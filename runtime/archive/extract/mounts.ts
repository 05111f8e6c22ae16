import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SubpipeError } from '../../errors.ts';
import { type BytePath, locator, parentOf, shown } from '../path.ts';

/**
 * What is mounted in a folder is no part of it, and stays where it is.
 *
 * @param fresh what comes: at a mount there may be an empty folder, as a push leaves it, or nothing.
 * @param moves whether what is at the top of the folder is moved away.
 * @throws SubpipeError `FAILED` where something would have to be put into a mount, or moved with one in it.
 */
export function checkMounts(target: string, fresh: string, mounts: ReadonlySet<BytePath>, moves: boolean): void {
  const at = locator(fresh);
  for (const path of mounts) {
    const above: BytePath[] = [];
    for (let up = parentOf(path); up !== ''; up = parentOf(up)) above.unshift(up);
    const isInWay = above.some((up) => lstatSync(at(up), { throwIfNoEntry: false })?.isDirectory() === false);
    if (isInWay || !isFree(at(path))) throw mounted(target, path, 'the images have something else there');
    if (moves && above.length > 0) throw mounted(target, path, 'what it is in cannot be replaced');
  }
}

function isFree(place: string | Buffer): boolean {
  const there = lstatSync(place, { throwIfNoEntry: false });
  return there === undefined || (there.isDirectory() && readdirSync(place).length === 0);
}

function mounted(target: string, path: BytePath, why: string): SubpipeError {
  return new SubpipeError('FAILED', `another volume is mounted at ${join(target, shown(path))}: ${why}`, {
    hint: 'Mount it outside of the workspace.',
  });
}
