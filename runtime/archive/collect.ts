import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of buffers that may be garbage. V8 itself lets 64 MiB come together, in each thread. */
const enough = 16 * 2 ** 20;

/** Where there is much to look through, V8 knows better when. */
const largeHeap = 64 * 2 ** 20;

/** All garbage, or that of the last moments, which takes a tenth of the time. */
type Kind = 'major' | 'minor';

let collect: ((options: { type: Kind }) => void) | undefined;

/** Has V8 collect garbage once in a while, by the bytes of buffers that were let go. A heap of ours takes it some ms. */
export class Collector {
  readonly #kind: Kind;
  #bytes = 0;

  /** @param kind minor where nothing is kept for long. */
  constructor(kind: Kind = 'major') {
    this.#kind = kind;
  }

  letGo(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < enough) return;
    this.#bytes = 0;
    if (this.#kind === 'major' && getHeapStatistics().used_heap_size > largeHeap) return;
    collect ??= exposed();
    collect({ type: this.#kind });
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

/**
 * Gives the memory behind a buffer back at once. For buffers that nobody looks at any more, nor at others in the same
 * memory; small ones stay.
 *
 * @param isOwn of a small one that is known to have its memory for itself.
 */
export function release({ buffer }: Buffer, isOwn = buffer.byteLength >= ownMemory): void {
  if (isOwn && buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}
