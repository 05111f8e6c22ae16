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

/**
 * Packs the parts of a push, each as a layer, several at a time: each in a thread of its own, or in this one when there
 * is one part. What comes out depends on none of this.
 *
 * @param send stores what `open` gives, and tells what it was. `open` may be called again, after a failure.
 * @param options.progress called with the bytes of tar, and the changes, that are new.
 * @throws SubpipeError `FAILED` when something cannot be read or changes meanwhile, and what `send` throws.
 */
export async function packLayers(
  tree: { root: string },
  parts: readonly Changes[],
  options: WriteTreeOptions,
  send: (mediaType: string, open: () => Readable) => Promise<Descriptor>,
): Promise<Layer[]> {
  const mediaType = layerMediaType(options.compression ?? { kind: 'zstd' });
  const layers: Layer[] = [];
  const queue = parts.entries();
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const work = async (): Promise<void> => {
    await using lane = new Lane(tree, { ...options, signal }, parts.length > 1);
    for (const [i, part] of queue) {
      signal.throwIfAborted();
      lane.begin(part);
      const descriptor = await send(mediaType, () => lane.open(part));
      layers[i] = { ...lane.packed, descriptor };
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

/** Packs one layer after the other, in a thread that is made when it is needed. */
class Lane implements AsyncDisposable {
  readonly #tree: { root: string };
  readonly #options: WriteTreeOptions;
  readonly #threaded: boolean;
  #thread: PackThread | undefined;
  #asked: Changes | undefined;
  #busy = false;
  #packed: PackedTree | undefined;

  constructor(tree: { root: string }, options: WriteTreeOptions, threaded: boolean) {
    this.#tree = tree;
    this.#options = options;
    this.#threaded = threaded;
  }

  get packed(): PackedTree {
    if (this.#packed === undefined) throw new Error('unreachable: a stream was read to its end');
    return this.#packed;
  }

  /** The next to be opened. */
  begin(part: Changes): void {
    if (!this.#threaded) return;
    this.#thread ??= Thread.start();
    if (this.#thread === undefined) return;
    askToPack(this.#thread, this.#tree, part, this.#options);
    this.#asked = part;
  }

  open(part: Changes): Readable {
    this.#packed = undefined;
    return Readable.from(this.#pieces(part), { objectMode: false, highWaterMark: 1 });
  }

  async *#pieces(part: Changes): AsyncGenerator<Buffer> {
    let told = { bytes: 0, changes: 0 };
    const progress = (bytes: number, changes: number): void => {
      this.#options.progress?.(bytes - told.bytes, changes - told.changes);
      told = { bytes, changes };
    };
    const options = { ...this.#options, progress };
    // Left early by the one before: what it still sends is nobody's.
    if (this.#busy) await this[Symbol.asyncDispose]();
    if (this.#asked !== part) this.begin(part);
    this.#asked = undefined;
    this.#busy = true;
    this.#packed = yield* this.#thread === undefined
      ? packTree(this.#tree, part, options)
      : packedBy(this.#thread, part, options);
    this.#busy = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.[Symbol.asyncDispose]();
  }
}
