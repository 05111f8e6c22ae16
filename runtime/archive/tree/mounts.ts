import { lstatSync, readFileSync, realpathSync } from 'node:fs';
import { type BytePath, fromLatin1, locator } from '../path.ts';

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
