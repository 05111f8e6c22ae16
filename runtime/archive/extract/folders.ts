import { fchmodSync, lchownSync } from 'node:fs';
import { type BytePath, fromLatin1 } from '../path.ts';
import { lookAt } from '../tree/looks.ts';
import { give, lookWidth } from './batch.ts';
import { type Inside, moved } from './inside.ts';
import { setTime } from './traits.ts';

/** What folders get once all that is in them is there. */
export interface FolderTraits {
  mode: number;
  /** Undefined where it is who runs this. */
  owner: { uid: number; gid: number } | undefined;
  /** Undefined where it stays: nothing has told of the folder. */
  time: { mtime: number; nanoseconds: number } | undefined;
}

/** Folders, as another thread gets them. */
export interface FolderBatch {
  /** With a NUL after each. */
  paths: string;
  /**
   * {@link lookWidth} for each, in memory that threads share: mode, owner and group or -1, whether the time is set,
   * seconds, nanoseconds; in the end how it looks.
   */
  numbers: Float64Array<SharedArrayBuffer>;
}

export interface Folder {
  path: BytePath;
  traits: FolderTraits;
}

/** Of all of them; parts of it are for {@link batchOf}. */
export function folderNumbers(folders: readonly Folder[]): FolderBatch['numbers'] {
  const numbers = new Float64Array(new SharedArrayBuffer(folders.length * lookWidth * 8));
  folders.forEach(({ traits: { mode, owner, time } }, i) => {
    const row = [mode, owner?.uid ?? -1, owner?.gid ?? -1, time === undefined ? 0 : 1];
    numbers.set([...row, time?.mtime ?? 0, time?.nanoseconds ?? 0], i * lookWidth);
  });
  return numbers;
}

/** The folders from one place to before another. */
export function batchOf(
  folders: readonly Folder[],
  numbers: FolderBatch['numbers'],
  from: number,
  to: number,
): FolderBatch {
  const paths = folders.slice(from, to).map(({ path }) => `${path}\0`);
  return { paths: paths.join(''), numbers: numbers.subarray(from * lookWidth, to * lookWidth) };
}

/** Gives folders what they are to have, one after the other. @throws SubpipeError `FAILED` where one is none any more. */
export function finishFolders(inside: Inside, { paths, numbers }: FolderBatch): void {
  const number = (index: number): number => numbers[index] ?? 0;
  let start = 0;
  for (let at = 0; at < numbers.length; at += lookWidth) {
    const end = paths.indexOf('\0', start);
    const path = fromLatin1(paths.slice(start, end));
    start = end + 1;
    const [mode, uid, gid] = [number(at), number(at + 1), number(at + 2)];
    // None of this follows a link.
    if (uid >= 0) give(() => lchownSync(inside.at(path), uid, gid));
    if (number(at + 3) !== 0) setTime(inside.at(path), number(at + 4), number(at + 5));
    let seen = lookAt(inside.at(path), path);
    if (seen.type !== 'folder') throw moved(path);
    // It was made with it, but for what the folders above, a umask and a new owner change.
    if (seen.mode !== mode) {
      inside.withFolder(path, (fd) => fchmodSync(fd, mode));
      seen = lookAt(inside.at(path), path);
    }
    numbers.set([seen.mode, seen.uid, seen.gid, seen.size, seen.mtimeMs, seen.ctimeMs, seen.ino], at);
  }
}
