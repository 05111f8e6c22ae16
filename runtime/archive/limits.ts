import { SubpipeError } from '../errors.ts';

/** How much an image may become on this machine. */
export interface Limits {
  /** Things in all layers together. Default 5,000,000. */
  entries: number;
  /** Bytes written, without the holes of sparse files. Default 256 GiB. */
  bytes: number;
  /** Bytes of content, with holes. Default 16 TiB. */
  size: number;
  /**
   * Bytes written for each byte of a layer, and bytes of its tar that are no file's; each is looked at from 1 GiB on.
   * Default 1000; gzip cannot do more.
   */
  ratio: number;
}

export const defaultLimits: Limits = { entries: 5_000_000, bytes: 256 * 2 ** 30, size: 16 * 2 ** 40, ratio: 1000 };

/** Counts what is unpacked, and ends it with `FAILED` where it is more than the limits. */
export class Meters {
  readonly #limits: Limits;
  entries = 0;
  bytes = 0;
  size = 0;
  #layer = { name: '', size: 0, bytes: 0, beside: 0 };

  constructor(limits: Partial<Limits> = {}) {
    this.#limits = { ...defaultLimits, ...limits };
  }

  startLayer(layer: { name: string; size: number }): void {
    this.#layer = { name: layer.name, size: layer.size, bytes: 0, beside: 0 };
  }

  entry(size: number): void {
    this.entries++;
    this.size += size;
    this.#layer.beside -= size;
    this.#check('entries', this.entries);
    this.#check('size', this.size);
  }

  written(bytes: number): void {
    this.bytes += bytes;
    this.#layer.bytes += bytes;
    this.#check('bytes', this.bytes);
    this.#checkRatio(this.#layer.bytes);
  }

  /** Bytes of tar. What belongs to no file, such as zeros without end after the last, is work for nothing. */
  read(bytes: number): void {
    this.#layer.beside += bytes;
    this.#checkRatio(this.#layer.beside);
  }

  #checkRatio(bytes: number): void {
    if (bytes > 2 ** 30) this.#check('ratio', bytes / Math.max(1, this.#layer.size));
  }

  #check(name: keyof Limits, value: number): void {
    if (value <= this.#limits[name]) return;
    throw new SubpipeError(
      'FAILED',
      `${this.#layer.name} is too large: more than the limit "${name}" of ${this.#limits[name]}`,
    );
  }
}
