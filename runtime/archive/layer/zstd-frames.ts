import { Buffer } from 'node:buffer';
import { SubpipeError } from '../../errors.ts';

const magic = 0xfd2fb528;
const skippable = 0x184d2a50;
/** Sizes in bytes of what a frame header has, by the bits that tell (RFC 8878, section 3.1.1.1). */
const dictionarySizes = [0, 1, 2, 4];
const contentSizes = [0, 2, 4, 8];

/**
 * Finds where zstd frames begin and end (RFC 8878, section 3.1), without unpacking them: a decoder may stop at the end
 * of a frame, and whole frames can be unpacked side by side.
 */
export class ZstdFrames {
  readonly #source: string;
  #held: Buffer = Buffer.alloc(0);
  #need = 4;
  #state: 'magic' | 'skip' | 'descriptor' | 'header' | 'block' | 'content' = 'magic';
  #left = 0;
  #last = false;
  #checksum = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** Whether all frames so far are complete. */
  get isBetween(): boolean {
    return this.#state === 'magic' && this.#held.length === 0;
  }

  /** How many of `bytes`, from `from` on, belong to the current frame; `ends` when it is complete with them. */
  take(bytes: Buffer, from: number): { count: number; ends: boolean } {
    let at = from;
    while (at < bytes.length) {
      if (this.#state === 'content' || this.#state === 'skip') {
        const count = Math.min(this.#left, bytes.length - at);
        at += count;
        this.#left -= count;
        if (this.#left > 0) break;
      } else {
        const part = bytes.subarray(at, at + this.#need - this.#held.length);
        this.#held = this.#held.length === 0 ? part : Buffer.concat([this.#held, part]);
        at += part.length;
        if (this.#held.length < this.#need) {
          this.#held = Buffer.from(this.#held);
          break;
        }
      }
      if (this.#next()) return { count: at - from, ends: true };
    }
    return { count: at - from, ends: false };
  }

  /** What was waited for is there. @returns whether the frame ends with it. */
  #next(): boolean {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    switch (this.#state) {
      case 'magic': {
        const number = held.readUInt32LE(0);
        if ((number & 0xfffffff0) >>> 0 === skippable) {
          if (held.length < 8) {
            this.#held = held;
            this.#need = 8;
            return false;
          }
          this.#left = held.readUInt32LE(4);
          this.#state = 'skip';
          return this.#left === 0 && this.#finish();
        }
        if (number !== magic)
          throw new SubpipeError('FAILED', `${this.#source} is damaged: no zstd frame where one should be`);
        this.#wait('descriptor', 1);
        return false;
      }
      case 'descriptor': {
        const bits = held[0] ?? 0;
        const single = (bits & 0x20) !== 0;
        this.#checksum = (bits & 4) === 0 ? 0 : 4;
        const content = contentSizes[bits >> 6] ?? 0;
        const size = (single ? 0 : 1) + (dictionarySizes[bits & 3] ?? 0) + (content === 0 && single ? 1 : content);
        this.#wait('header', size);
        return false;
      }
      case 'header':
        this.#wait('block', 3);
        return false;
      case 'block': {
        const bits = held.readUIntLE(0, 3);
        this.#last = (bits & 1) === 1;
        const runOfOne = ((bits >> 1) & 3) === 1;
        this.#left = (runOfOne ? 1 : bits >> 3) + (this.#last ? this.#checksum : 0);
        this.#state = 'content';
        return this.#left === 0 && this.#next();
      }
      case 'content':
        if (this.#last) return this.#finish();
        this.#wait('block', 3);
        return false;
      case 'skip':
        return this.#finish();
      default:
        return this.#state satisfies never;
    }
  }

  #wait(state: 'magic' | 'descriptor' | 'header' | 'block', size: number): void {
    this.#state = state;
    this.#need = size;
  }

  #finish(): true {
    this.#wait('magic', 4);
    return true;
  }
}
