import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import type { Descriptor } from '../../oci/manifest.ts';
import { layerMediaType } from '../layer/compression.ts';
import type { Layer } from '../layer/layer.ts';
import { Thread } from '../thread.ts';
import type { Changes } from '../tree/changes.ts';
import { askToPack, type PackThread, packedBy } from './pack-thread.ts';
import { type PackedTree, packTree, type WriteTreeOptions } from './write-tree.ts';

/** Layers that are packed at a time: more of them are no faster with fewer cores, and each takes some memory. */
const most = 4;

/** What becomes of the parts of a push, in their order. */
export interface Packing {
  /** When each is packed, and not all are sent. Fails as `layers` does, where that is before. */
  packed: Promise<readonly PackedTree[]>;
  /** When all are sent. What was packed again, after a failure, need not be what it was. */
  layers: Promise<readonly Layer[]>;
}

/**
 * Stores what `open` gives, and tells what it was. `open` may be called again, after a failure. The signal is that of the
 * options, and tells also that another part has failed.
 */
type Send = (mediaType: string, open: () => Readable, signal: AbortSignal) => Promise<Descriptor>;

/**
 * Packs the parts of a push, each as a layer, several at a time: each in a thread of its own; one alone in a thread that is
 * there already, or else in this one. What comes out depends on none of this.
 *
 * @param options.progress called with the bytes of tar, and the changes, that are new.
 * @throws SubpipeError by `layers`: `FAILED` when something cannot be read or changes meanwhile, and what `send` throws.
 */
export function packLayers(
  tree: { root: string },
  parts: readonly Changes[],
  options: WriteTreeOptions,
  send: Send,
): Packing {
  const { promise, resolve, reject } = Promise.withResolvers<readonly PackedTree[]>();
  promise.catch(() => {}); // told by layers
  const packed = new Map<number, PackedTree>();
  const done = (i: number, whole: PackedTree): void => {
    packed.set(i, whole);
    if (packed.size === parts.length) resolve(parts.flatMap((_, i) => packed.get(i) ?? []));
  };
  if (parts.length === 0) resolve([]);
  const layers = sendAll(tree, parts, options, send, done);
  layers.catch(reject);
  return { packed: promise, layers };
}

/** @param done told what a part has become, each time that it was packed. */
async function sendAll(
  tree: { root: string },
  parts: readonly Changes[],
  options: WriteTreeOptions,
  send: Send,
  done: (i: number, whole: PackedTree) => void,
): Promise<Layer[]> {
  const mediaType = layerMediaType(options.compression ?? { kind: 'zstd' });
  const layers: Layer[] = [];
  const queue = parts.entries();
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const threads = threadsFor(parts.length);
  const work = async (): Promise<void> => {
    await using lane = new Lane(tree, { ...options, signal }, threads);
    for (const [i, part] of queue) {
      signal.throwIfAborted();
      lane.begin(part);
      let packed: PackedTree | undefined;
      const open = () =>
        lane.open(part, (whole) => {
          packed = whole;
          done(i, whole);
        });
      const descriptor = await send(mediaType, open, signal);
      if (packed === undefined) throw new Error('unreachable: a stream was read to its end');
      layers[i] = { ...packed, descriptor };
    }
  };
  const lanes = Array.from({ length: Math.min(parts.length, most, Math.max(2, availableParallelism())) }, work);
  try {
    await Promise.all(lanes);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(lanes);
    throw error;
  }
  return layers;
}

interface Threads {
  /** Frames that each compresses at a time; undefined is the usual. */
  parallel: number | undefined;
}

/** Undefined for none: to make one takes longer than most changes. */
function threadsFor(parts: number): Threads | undefined {
  // Where each compresses what it reads, the cores are used, and nothing waits for Node's own threads.
  if (parts > 1) return { parallel: 1 };
  return Thread.isPrepared ? { parallel: undefined } : undefined;
}

/** Packs one layer after the other, in a thread that is made when it is needed. */
class Lane implements AsyncDisposable {
  readonly #tree: { root: string };
  readonly #options: WriteTreeOptions;
  readonly #threads: Threads | undefined;
  #thread: PackThread | undefined;
  #asked: Changes | undefined;
  #busy = false;

  constructor(tree: { root: string }, options: WriteTreeOptions, threads: Threads | undefined) {
    this.#tree = tree;
    this.#options = options;
    this.#threads = threads;
  }

  /** The next to be opened. */
  begin(part: Changes): void {
    if (this.#threads === undefined) return;
    this.#thread ??= Thread.start();
    if (this.#thread === undefined) return;
    askToPack(this.#thread, this.#tree, part, this.#options, this.#threads.parallel);
    this.#asked = part;
  }

  /** @param done told when all of it was read. */
  open(part: Changes, done: (whole: PackedTree) => void): Readable {
    return Readable.from(this.#pieces(part, done), { objectMode: false, highWaterMark: 1 });
  }

  async *#pieces(part: Changes, done: (whole: PackedTree) => void): AsyncGenerator<Buffer> {
    let told = { bytes: 0, changes: 0 };
    const progress = (bytes: number, changes: number): void => {
      this.#options.progress?.(bytes - told.bytes, changes - told.changes);
      told = { bytes, changes };
    };
    const options = { ...this.#options, progress };
    // Left early by the one before: what it still sends is nobody's.
    if (this.#busy) await this.#end();
    if (this.#asked !== part) this.begin(part);
    this.#asked = undefined;
    this.#busy = true;
    const whole = yield* this.#thread === undefined
      ? packTree(this.#tree, part, options)
      : packedBy(this.#thread, part, options);
    this.#busy = false;
    done(whole);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // To end a thread that has nothing more to do takes some milliseconds, which nobody gets back.
    if (this.#busy || this.#asked !== undefined) await this.#end();
    else this.#thread?.rest();
  }

  async #end(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.[Symbol.asyncDispose]();
  }
}
