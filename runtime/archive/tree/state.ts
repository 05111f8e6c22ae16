import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { appendFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { SubpipeError } from '../../errors.ts';
import { isRecord } from '../../oci/manifest.ts';
import { Snapshot, width } from './snapshot.ts';

/** Raised when the file's shape changes; a file of another version counts as none. */
const version = 5;

/** File systems stamp changes by a clock that ticks every 4 or 10 ms (CONFIG_HZ). */
const tick = 20;

const newline = 0x0a;

/** Characters of the checksum at the end. */
const sumLength = 8;

/**
 * What a folder was when its image was pulled: each thing's kind, size, owner, mode, inode, and times of content and of
 * change. Kept in a file outside the folder. `about` is the caller's (the image's digest, its layers).
 */
export interface State {
  about: Record<string, unknown>;
  snapshot: Snapshot;
}

/**
 * A state file that is being written: a line of JSON, a table of numbers, the paths, and at last `about`, as JSON, with the
 * checksum of it and of the first line. All of it in JSON takes five times as long to read, which is a quarter of a push of
 * what did not change. It appears by rename, in {@link keep}; without that nothing is left of it.
 *
 * Numbers and paths have no checksum, which would take longer than to compare them: where they are damaged, they are not
 * those of what is there, which then counts as changed.
 */
export class StateDraft implements AsyncDisposable {
  readonly #file: string;
  readonly #part: string;
  readonly #newest: number;
  readonly #head: Buffer;
  readonly #written: Promise<void>;

  /** Begins to write the file, in a folder that is made where it is not there. */
  constructor(file: string, snapshot: Snapshot) {
    this.#file = file;
    this.#part = `${file}.${randomUUID()}.part`;
    this.#newest = snapshot.newest;
    const text = Buffer.from(snapshot.paths.join('\0'), 'latin1');
    this.#head = Buffer.from(JSON.stringify({ version, count: snapshot.size, text: text.length }));
    this.#written = writeTables(this.#part, this.#head, snapshot, text);
    this.#written.catch(() => {}); // told by keep
  }

  /** The tables are written: most of the file. @throws SubpipeError `FAILED` when they cannot be. */
  get written(): Promise<void> {
    return this.#written.catch((cause: unknown) => {
      throw this.#failure(cause);
    });
  }

  /**
   * The file is there. Waits some milliseconds where something has just changed: a change within the same tick of the file
   * system's clock would not show.
   *
   * @throws SubpipeError `FAILED` when it cannot be written.
   */
  async keep(about: Record<string, unknown>, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const wait = this.#newest + tick - Date.now();
    if (wait > 0) await sleep(Math.min(wait, tick), undefined, signal === undefined ? {} : { signal });
    try {
      await this.#written;
      const last = JSON.stringify(about);
      await appendFile(this.#part, last + sumOf(this.#head, Buffer.from(last)));
      await rename(this.#part, this.#file);
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  #failure(cause: unknown): SubpipeError {
    return new SubpipeError('FAILED', `cannot write the state file ${this.#file}`, { cause });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isWritten = await this.#written.then(
      () => true,
      () => false,
    );
    if (isWritten) await rm(this.#part, { force: true });
  }
}

async function writeTables(part: string, head: Buffer, { numbers }: Snapshot, text: Buffer): Promise<void> {
  const table = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  // The table begins where numbers may, so that whoever reads it needs no copy.
  const space = Buffer.alloc(7 - (head.length % 8), ' ');
  await mkdir(dirname(part), { recursive: true });
  try {
    await writeFile(part, [head, space, Buffer.of(newline), table, text]);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/**
 * Reads a state file. Undefined when there is none, or one of another version: then all counts as changed.
 * @throws SubpipeError `FAILED` when it is there and cannot be read, or is damaged.
 */
export function loadState(file: string): State | undefined {
  const bytes = bytesOf(file);
  if (bytes === undefined) return undefined;
  const damaged = (cause?: unknown) =>
    new SubpipeError('FAILED', `the state file ${file} is damaged`, { cause, hint: 'Remove it, then pull again.' });
  const parsed = (from: number, to?: number): unknown => {
    try {
      return JSON.parse(bytes.toString('utf8', from, to));
    } catch (cause) {
      throw damaged(cause);
    }
  };
  const end = bytes.indexOf(newline);
  const head = parsed(0, end < 0 ? bytes.length : end);
  if (!isRecord(head) || head.version !== version) return undefined;
  const { count, text } = head;
  const from = end + 1;
  if (!isCount(count) || !isCount(text)) throw damaged();
  const to = from + count * width * 8;
  const last = bytes.length - sumLength;
  if (to + text > last) throw damaged();
  const line = Buffer.from(JSON.stringify(head));
  if (sumOf(line, bytes.subarray(to + text, last)) !== bytes.toString('latin1', last)) throw damaged();
  const about = parsed(to + text, last);
  if (!isRecord(about)) throw damaged();
  const paths = bytes.toString('latin1', to, to + text);
  return { about, snapshot: new Snapshot(paths, numbersIn(bytes.subarray(from, to))) };
}

function sumOf(head: Buffer, about: Buffer): string {
  return crc32(about, crc32(head)).toString(16).padStart(sumLength, '0');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function numbersIn(table: Buffer): Float64Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = table;
  // A small file's buffer may be anywhere in a larger one.
  const isInPlace = byteOffset % 8 === 0 && buffer instanceof ArrayBuffer;
  return isInPlace ? new Float64Array(buffer, byteOffset, length / 8) : new Float64Array(new Uint8Array(table).buffer);
}

/** Undefined where there is no such file. */
function bytesOf(file: string): Buffer | undefined {
  try {
    // All of it at once: a promise's would come in twenty pieces.
    return readFileSync(file);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new SubpipeError('FAILED', `cannot read the state file ${file}`, { cause });
  }
}
