import type { Buffer } from 'node:buffer';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of buffers that may be garbage. V8 itself lets 64 MiB come together, in each thread. */
const enough = 16 * 2 ** 20;

let collect: ((options: { type: 'minor' }) => void) | undefined;

/**
 * Has V8 collect the garbage of the last moments once in a while, by the bytes of buffers that were let go: those that cannot be
 * given back one by one, see {@link release}. All garbage would take ten times as long.
 */
export class Collector {
  #bytes = 0;

  letGo(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < enough) return;
    this.#bytes = 0;
    collect ??= exposed();
    collect({ type: 'minor' });
  }
}

/** What `--expose-gc` gives, which nothing else gives a program that is running. */
function exposed(): NonNullable<typeof collect> {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  return typeof found === 'function' ? (options) => found(options) : () => {};
}

/** Bytes from which on the memory of a buffer is its own: Node makes small ones in memory that many share. */
export const ownMemory = 2 ** 20;

/** Whether nothing else is in the memory of a buffer. */
export function isAlone({ buffer, length }: Buffer): boolean {
  return buffer.byteLength >= ownMemory || buffer.byteLength === length;
}

/**
 * Gives the memory behind a buffer back at once, where nothing else {@link isAlone is in it}. For buffers that nobody looks
 * at any more, nor at others of the same memory.
 */
export function release(bytes: Buffer): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && !buffer.detached && isAlone(bytes)) buffer.transfer(0);
}

/** The bytes, or a copy of them, in memory that can be moved to another thread. */
export function movable(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes;
  return buffer instanceof ArrayBuffer && isAlone(bytes)
    ? new Uint8Array(buffer, byteOffset, length)
    : new Uint8Array(bytes);
}
