import type { Buffer } from 'node:buffer';
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, futimesSync, openSync, writeSync } from 'node:fs';
import { SubpipeError } from '../../errors.ts';
import { loadLibc } from '../libc.ts';
import { type BytePath, fromLatin1 } from '../path.ts';

/** What there is to know of a file that is all in one piece of tar, besides its path and content. */
export interface PlainFile {
  mode: number;
  /** Whether the file gets another mode than that by the mode it is made with: bits that a umask or `open` takes away. */
  setsMode: boolean;
  owner: { uid: number; gid: number } | undefined;
  mtime: number;
  nanoseconds: number;
}

/** What is to be written of a piece of tar: numbers and one text, which another thread gets as they are. */
export interface Batch {
  /** Of new files, each with a NUL after it. */
  paths: string;
  /** {@link fileWidth} numbers for each new file, in memory that threads share; {@link lookWidth} of them tell in the end how it looks. */
  files: Float64Array<SharedArrayBuffer>;
  /** {@link partWidth} numbers for each part of a file that is open. */
  parts: Float64Array<ArrayBuffer>;
}

/** Where its content begins and how long it is, mode, whether that is set, owner and group or -1, seconds, nanoseconds. */
export const fileWidth = 8;
/** Mode, owner, group, size, mtimeMs, ctimeMs, inode: as in TreeNode. */
export const lookWidth = 7;
/** Descriptor, place in the file, where its content begins and how long it is. */
export const partWidth = 4;

/** All is made, and nothing opened that was there. */
export const createFlags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

/** Collects what is to be written of one piece. Places are in the memory of the piece, from its beginning. */
export class BatchBuilder {
  #paths: BytePath[] = [];
  #files: number[] = [];
  #parts: number[] = [];

  get isEmpty(): boolean {
    return this.#files.length === 0 && this.#parts.length === 0;
  }

  /** New files so far. */
  get count(): number {
    return this.#paths.length;
  }

  addFile(path: BytePath, from: number, length: number, file: PlainFile): void {
    const { mode, setsMode, owner, mtime, nanoseconds } = file;
    this.#paths.push(path);
    this.#files.push(from, length, mode, setsMode ? 1 : 0, owner?.uid ?? -1, owner?.gid ?? -1, mtime, nanoseconds);
  }

  addPart(fd: number, at: number, from: number, length: number): void {
    this.#parts.push(fd, at, from, length);
  }

  take(): Batch {
    const files = new Float64Array(new SharedArrayBuffer(this.#files.length * 8));
    files.set(this.#files);
    const paths = this.#paths.length === 0 ? '' : `${this.#paths.join('\0')}\0`;
    const batch = { paths, files, parts: Float64Array.from(this.#parts) };
    this.#paths = [];
    this.#files = [];
    this.#parts = [];
    return batch;
  }
}

/** Writes all of a batch, whose content is in `memory`, and tells in it how each new file looks. */
export function writeBatch(
  at: (path: BytePath) => string | Buffer,
  { paths, files, parts }: Batch,
  memory: ArrayBufferLike,
): void {
  const content = new Uint8Array(memory);
  const partNumber = (index: number): number => parts[index] ?? 0;
  for (let i = 0; i < parts.length; i += partWidth) {
    writeAll(partNumber(i), content, partNumber(i + 2), partNumber(i + 3), partNumber(i + 1));
  }
  let start = 0;
  for (let i = 0; i < files.length; i += fileWidth) {
    const end = paths.indexOf('\0', start);
    writeFile(at(fromLatin1(paths.slice(start, end))), files, i, content);
    start = end + 1;
  }
}

function writeFile(path: string | Buffer, numbers: Float64Array, i: number, content: Uint8Array): void {
  const mode = numbers[i + 2] ?? 0;
  const fd = openSync(path, createFlags, mode & 0o777);
  try {
    writeAll(fd, content, numbers[i] ?? 0, numbers[i + 1] ?? 0, null);
    const uid = numbers[i + 4] ?? -1;
    if (uid >= 0) give(() => fchownSync(fd, uid, numbers[i + 5] ?? -1));
    if (numbers[i + 3] !== 0) fchmodSync(fd, mode);
    setFileTime(fd, numbers[i + 6] ?? 0, numbers[i + 7] ?? 0);
    const seen = fstatSync(fd);
    numbers[i] = seen.mode & 0o7777;
    numbers[i + 1] = seen.uid;
    numbers[i + 2] = seen.gid;
    numbers[i + 3] = seen.size;
    numbers[i + 4] = seen.mtimeMs;
    numbers[i + 5] = seen.ctimeMs;
    numbers[i + 6] = seen.ino;
  } finally {
    closeSync(fd);
  }
}

/** @param at null for where the file is. */
function writeAll(fd: number, content: Uint8Array, from: number, length: number, at: number | null): void {
  for (let done = 0; done < length; ) {
    done += writeSync(fd, content, from + done, length - done, at === null ? null : at + done);
  }
}

/** To the nanosecond, where that is possible here. */
export function setFileTime(fd: number, mtime: number, nanoseconds: number): void {
  if (nanoseconds !== 0 && loadLibc()?.setFileTime(fd, mtime, nanoseconds) === true) return;
  const time = timeFor(mtime + nanoseconds / 1e9);
  futimesSync(fd, time, time);
}

/** Seconds since 1970, for calls of Node: a number below zero is now to them, a text is what it says. */
export function timeFor(seconds: number): number | string {
  return seconds < 0 ? String(seconds) : seconds;
}

/** Sets an owner. @throws SubpipeError `FAILED` where only root could. */
export function give(set: () => void): void {
  try {
    set();
  } catch (cause) {
    throw new SubpipeError('FAILED', 'the owner of a file cannot be set', {
      cause,
      hint: 'Only root may give files to others, and in a container only with the capability CHOWN: run so, or leave the files to who runs the step.',
    });
  }
}
