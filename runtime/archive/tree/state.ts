import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { SubpipeError } from '../../errors.ts';
import { isRecord } from '../../oci/manifest.ts';
import { Snapshot, width } from './snapshot.ts';

/** Raised when the file's shape changes; a file of another version counts as none. */
const version = 3;

/** File systems stamp changes by a clock that ticks every 4 or 10 ms (CONFIG_HZ). */
const tick = 20;

const newline = 0x0a;

/**
 * What a folder was when its image was pulled: each thing's kind, size, owner, mode, inode, and times of content and of
 * change. Kept in a file outside the folder. `about` is the caller's (the image's digest, its layers).
 */
export interface State {
  about: Record<string, unknown>;
  snapshot: Snapshot;
}

/**
 * Writes a state file, by rename: a line of JSON, a table of numbers, and the paths. All of it in JSON takes five times
 * as long to read, which is a quarter of a push of what did not change. Waits some milliseconds where something has just
 * changed: a change within the same tick of the file system's clock would not show.
 */
export async function saveState(
  file: string,
  snapshot: Snapshot,
  about: Record<string, unknown>,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { paths, numbers, size: count, newest } = snapshot;
  const table = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  const text = Buffer.from(paths.join('\0'), 'latin1');
  const head = Buffer.from(JSON.stringify({ version, about, count, text: text.length }));
  // The table begins where numbers may, so that whoever reads it needs no copy.
  const space = Buffer.alloc(7 - (head.length % 8), ' ');
  const pieces = [head, space, Buffer.of(newline), table, text];
  const wait = newest + tick - Date.now();
  if (wait > 0)
    await sleep(Math.min(wait, tick), undefined, options.signal === undefined ? {} : { signal: options.signal });
  const part = `${file}.${process.pid}.part`;
  await writeFile(part, pieces);
  await rename(part, file);
}

/**
 * Reads a state file. Undefined when there is none, or one of another version: then all counts as changed.
 * @throws SubpipeError `FAILED` when it is there and cannot be read.
 */
export function loadState(file: string): State | undefined {
  const bytes = bytesOf(file);
  if (bytes === undefined) return undefined;
  const damaged = (cause?: unknown) => new SubpipeError('FAILED', `the state file ${file} is damaged`, { cause });
  const end = bytes.indexOf(newline);
  let head: unknown;
  try {
    head = JSON.parse(bytes.toString('utf8', 0, end < 0 ? bytes.length : end));
  } catch (cause) {
    throw damaged(cause);
  }
  if (!isRecord(head) || head.version !== version) return undefined;
  const { about, count, text } = head;
  const from = end + 1;
  if (!isRecord(about) || typeof count !== 'number' || typeof text !== 'number') throw damaged();
  const to = from + count * width * 8;
  if (!Number.isSafeInteger(to) || to < from || to + text !== bytes.length) throw damaged();
  return { about, snapshot: new Snapshot(bytes.toString('latin1', to), numbersIn(bytes.subarray(from, to))) };
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
