import path from 'node:path';
import { invalid, type SubpipeError } from '../../errors.ts';

/**
 * `relative` as a path from the repository's root, `/` between its parts.
 *
 * @param folder what it is relative to, itself from the root; `''` is the root.
 * @throws SubpipeError `INVALID` for an absolute path and for one that leads out of the repository.
 */
export function inside(relative: string, folder = ''): string {
  const bad = (what: string): SubpipeError =>
    invalid(
      `the path "${relative}" ${what}: expected one inside the repository, such as "tasks/build.yaml"`,
      folder === '' ? {} : { hint: `It is relative to the folder "${folder}".` },
    );
  if (relative === '') throw bad('is empty');
  if (relative.includes('\0') || relative.includes('\\')) throw bad('has a character that no path has here');
  if (relative.startsWith('/') || /^[a-z]:\//i.test(relative)) throw bad('is absolute');
  const clean = path.posix.normalize(path.posix.join(folder, relative));
  if (clean === '..' || clean.startsWith('../')) throw bad('leads out of the repository');
  if (clean === '.' || clean.endsWith('/')) throw bad('is a folder');
  return clean;
}

/** The folder of a file, as {@link inside} takes it. */
export function folderOf(file: string): string {
  const folder = path.posix.dirname(file);
  return folder === '.' ? '' : folder;
}
