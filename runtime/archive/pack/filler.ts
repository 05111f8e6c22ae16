import { Buffer } from 'node:buffer';
import { release } from '../collect.ts';
import { frameSize } from '../layer/frames.ts';

/** Fills pieces of {@link frameSize} one after the other. Pieces that are given back are used again. */
export class Filler {
  piece: Buffer = Buffer.allocUnsafeSlow(frameSize);
  used = 0;
  #before = 0;
  readonly #full: Buffer[] = [];
  readonly #free: Buffer[] = [];

  /** Bytes that were added so far. */
  get position(): number {
    return this.#before + this.used;
  }

  get room(): number {
    return frameSize - this.used;
  }

  add(bytes: Buffer, length: number): void {
    for (let from = 0; from < length; ) {
      const now = Math.min(this.room, length - from);
      bytes.copy(this.piece, this.used, from, from + now);
      this.advance(now);
      from += now;
    }
  }

  zeros(length: number): void {
    for (let left = length; left > 0; ) {
      const now = Math.min(this.room, left);
      this.piece.fill(0, this.used, this.used + now);
      this.advance(now);
      left -= now;
    }
  }

  /** So many bytes were written into `piece` at `used`. */
  advance(length: number): void {
    this.used += length;
    if (this.used < frameSize) return;
    this.#full.push(this.piece);
    this.#before += frameSize;
    this.piece = this.#free.pop() ?? Buffer.allocUnsafeSlow(frameSize);
    this.used = 0;
  }

  get hasFull(): boolean {
    return this.#full.length > 0;
  }

  /** The pieces that are full. */
  *take(): Generator<Buffer> {
    for (let piece = this.#full.shift(); piece !== undefined; piece = this.#full.shift()) yield piece;
  }

  /** What is left, smaller than a piece. */
  rest(): Buffer | undefined {
    return this.used === 0 ? undefined : this.piece.subarray(0, this.used);
  }

  /** Gives the memory of all pieces back that nobody has, once there is no more to add and nobody looks at the rest. */
  release(): void {
    release(this.piece);
    for (const piece of this.#free) release(piece);
  }

  giveBack(piece: Buffer): void {
    if (piece.length === frameSize && this.#free.length < 4) this.#free.push(piece);
  }
}
