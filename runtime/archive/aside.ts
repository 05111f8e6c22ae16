import { Buffer } from 'node:buffer';
import { closeSync, constants, fchmodSync, ftruncateSync, futimesSync, openSync, writeSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import { SubpipeError } from '../errors.ts';
import { loadLibc } from './libc.ts';
import { type BytePath, fromLatin1, locator } from './path.ts';
import { Thread } from './thread.ts';
import { fromThreadError, type ThreadError, toThreadError } from './thread-error.ts';

/** What is known of a file before its content. */
export interface SmallFile {
  size: number;
  mode: number;
  /** Whether the file gets another mode than that by the mode it is made with: bits that a umask or `open` takes away. */
  setsMode: boolean;
  mtime: number;
  nanoseconds: number;
}

/** Files of up to this many bytes are for {@link Aside}. */
export const smallFile = 128 * 1024;

/** All is made, and nothing opened that was there. */
export const createFlags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

export interface WriteQuestion {
  kind: 'write';
  root: string;
  content: SharedArrayBuffer;
  /** Where the content of this batch begins. */
  from: number;
  /** Each with a NUL after it. */
  paths: string;
  /** For each file {@link width} numbers. */
  numbers: Float64Array<ArrayBuffer>;
  /** Batches that are done; whether one has failed. */
  state: SharedArrayBuffer;
  /** What failed, as JSON. */
  failure: SharedArrayBuffer;
}

const width = 6;
const batchSize = 2 ** 20;
const batches = 3;
const mostFiles = 512;
/** A disk that takes longer for a batch is broken. */
const patienceMs = 300_000;

/**
 * Has small files written by another thread, in batches, while this one reads on. Their folders are there, and nothing
 * is at their paths; whoever changes that calls {@link settle} before.
 */
export class Aside implements AsyncDisposable {
  readonly #thread: Thread<WriteQuestion, never>;
  readonly #root: string;
  readonly #content = new SharedArrayBuffer(batches * batchSize);
  readonly #bytes = new Uint8Array(this.#content);
  readonly #state = new Int32Array(new SharedArrayBuffer(8));
  readonly #failure = new SharedArrayBuffer(16 * 1024);
  #sent = 0;
  #used = 0;
  #paths: string[] = [];
  #numbers: number[] = [];
  #file: (SmallFile & { path: BytePath; length: number }) | undefined;

  private constructor(root: string, thread: Thread<WriteQuestion, never>) {
    this.#root = root;
    this.#thread = thread;
  }

  /** Undefined where there is no file to start a thread from. */
  static start(root: string): Aside | undefined {
    const thread = Thread.start<WriteQuestion, never>();
    return thread === undefined ? undefined : new Aside(root, thread);
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  startFile(path: BytePath, file: SmallFile): void {
    if (this.#used + file.size > batchSize || this.#paths.length >= mostFiles) this.#send();
    this.#file = { ...file, path, length: 0 };
  }

  /** More than the file's size is passed over. */
  write(bytes: Buffer): void {
    const file = this.#file;
    if (file === undefined) return;
    const length = Math.min(bytes.length, file.size - file.length);
    this.#bytes.set(bytes.subarray(0, length), this.#slot * batchSize + this.#used + file.length);
    file.length += length;
  }

  endFile(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    this.#used += file.length;
    this.#paths.push(file.path);
    this.#numbers.push(file.mode, Number(file.setsMode), file.mtime, file.nanoseconds, file.length, file.size);
  }

  /** All files are there. @throws what writing one has failed of. */
  settle(): void {
    if (this.#paths.length > 0) this.#send();
    this.#wait(this.#sent);
  }

  get #slot(): number {
    return this.#sent % batches;
  }

  #send(): void {
    const numbers = Float64Array.from(this.#numbers);
    const paths = `${this.#paths.join('\0')}\0`;
    const from = this.#slot * batchSize;
    const [content, state, failure] = [this.#content, this.#state.buffer, this.#failure];
    this.#thread.send({ kind: 'write', root: this.#root, content, from, paths, numbers, state, failure }, [
      numbers.buffer,
    ]);
    this.#sent++;
    this.#used = 0;
    this.#paths = [];
    this.#numbers = [];
    // The place of the next batch is free.
    this.#wait(this.#sent - batches + 1);
  }

  /** Without the event loop: what reads a tar is synchronous, and a batch takes some milliseconds. */
  #wait(count: number): void {
    for (;;) {
      const done = Atomics.load(this.#state, 0);
      if (Atomics.load(this.#state, 1) !== 0) throw this.#error();
      if (done >= count) return;
      if (Atomics.wait(this.#state, 0, done, patienceMs) === 'timed-out')
        throw new SubpipeError('FAILED', 'a thread that writes files does not go on');
    }
  }

  #error(): Error {
    const text = Buffer.from(new Uint8Array(this.#failure)).toString('utf8');
    const failure: ThreadError = JSON.parse(text.slice(0, text.indexOf('\0')));
    return fromThreadError(failure);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
  }
}

/** What the thread does. */
export function serveWriting(port: MessagePort): void {
  port.on('message', (question: WriteQuestion | { kind: 'pack' | 'more' }) => {
    if (question.kind !== 'write') return;
    const state = new Int32Array(question.state);
    try {
      if (Atomics.load(state, 1) === 0) writeBatch(question);
    } catch (error) {
      const { message, ...rest } = toThreadError(error);
      const text = JSON.stringify({ ...rest, cause: undefined, message: message.slice(0, 2000) });
      new Uint8Array(question.failure).set(Buffer.from(text).subarray(0, question.failure.byteLength - 1));
      Atomics.store(state, 1, 1);
    }
    Atomics.add(state, 0, 1);
    Atomics.notify(state, 0);
  });
}

function writeBatch({ root, content, from, paths, numbers }: WriteQuestion): void {
  const at = locator(root);
  const libc = loadLibc();
  let used = from;
  let start = 0;
  for (let i = 0; i < numbers.length; i += width) {
    const end = paths.indexOf('\0', start);
    const path = fromLatin1(paths.slice(start, end));
    start = end + 1;
    const [mode = 0, setsMode = 0, mtime = 0, nanoseconds = 0, length = 0, size = 0] = numbers.subarray(i, i + width);
    const fd = openSync(at(path), createFlags, mode & 0o777);
    try {
      const bytes = new Uint8Array(content, used, length);
      for (let done = 0; done < length; ) done += writeSync(fd, bytes, done, length - done);
      if (length !== size) ftruncateSync(fd, size);
      if (setsMode !== 0) fchmodSync(fd, mode);
      if (libc?.setFileTime(fd, mtime, nanoseconds) !== true) {
        const time = mtime + nanoseconds / 1e9;
        futimesSync(fd, time, time);
      }
    } finally {
      closeSync(fd);
    }
    used += length;
  }
}
