import { lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { SubpipeError } from '../../errors.ts';
import { type BytePath, fromLatin1, locator, parentOf, shown } from '../path.ts';

/**
 * Where other volumes are mounted below a folder, such as a cache's (proc_pid_mountinfo(5)). The number of a device does not
 * tell: several volumes may be of one disk. None where the machine does not tell.
 */
export function mountsIn(folder: string): ReadonlySet<BytePath> {
  const found = new Set<BytePath>();
  let table: string;
  try {
    table = readFileSync('/proc/self/mountinfo', 'latin1');
  } catch {
    return found;
  }
  const root = Buffer.from(realpathSync(folder)).toString('latin1');
  const beginning = root === '/' ? root : `${root}/`;
  for (const line of table.split('\n')) {
    const place = (line.split(' ', 5)[4] ?? '').replace(/\\([0-7]{3})/g, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    if (!place.startsWith(beginning) || place === beginning) continue;
    const path = fromLatin1(place.slice(beginning.length));
    // One below another volume that came later is not to be seen.
    if (lstatSync(locator(folder)(path), { throwIfNoEntry: false }) !== undefined) found.add(path);
  }
  return found;
}

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
