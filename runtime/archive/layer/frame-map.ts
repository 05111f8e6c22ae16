import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { SubpipeError } from '../../errors.ts';
import { type Digest, digestOf } from '../../oci/digest.ts';
import { allFromLatin1, type BytePath, longestPath } from '../path.ts';
import type { TarHeader } from '../tar/header.ts';
import type { Compression } from './compression.ts';
import { frameSize } from './frames.ts';
import { conceal, reveal } from './hidden.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** What a map tells of an entry besides its path. A mark of something that is gone is a file. */
export type EntryKind = Exclude<TarHeader['type'], 'other'>;

/** Where a layer has its map: from this byte to its end; and the digest of these bytes. */
export interface MapPlace {
  offset: number;
  digest: Digest;
}

export interface MappedFrame {
  /** Bytes, packed. */
  size: number;
  /** SHA-256 of these, in hex. */
  digest: string;
  /** How many entries begin before this frame. */
  first: number;
  /** Bytes of the frame's tar before the first entry that begins in it; undefined where none does. */
  skip: number | undefined;
}

/** Which entries are in which frames of a layer, in the layer's order. */
export interface FrameMap {
  frames: readonly MappedFrame[];
  paths: readonly BytePath[];
  kindOf(entry: number): EntryKind;
}

const version = 1;
const kinds: readonly EntryKind[] = ['file', 'folder', 'symlink', 'hardlink'];
const headWidth = 12;
const frameWidth = 12 + 32;
const none = 0xffffffff;

/** A frame is at most this large, packed: what does not compress gets a little larger. */
const largestFrame = 2 * frameSize;

/** Bytes of a layer, packed, from which on a part of it is worth two more requests. */
const worthwhile = 4 * 1024 * 1024;

/** Bytes of a map, not packed: about a million paths. */
const largest = 64 * 1024 * 1024;

/** Notes what a layer has while it is written. */
export class FrameMapWriter {
  readonly #frames: Buffer[] = [];
  readonly #starts: { first: number; skip: number }[] = [];
  readonly #paths: string[] = [];
  readonly #kinds: number[] = [];
  #size = 0;
  #characters = 0;

  /** An entry whose header begins at this byte of the tar. */
  entry(path: BytePath, type: TarHeader['type'], at: number): void {
    const frame = Math.floor(at / frameSize);
    this.#startsOf(frame, at - frame * frameSize);
    this.#paths.push(path);
    this.#kinds.push(type === 'other' ? 0 : kinds.indexOf(type));
    this.#characters += path.length + 2;
  }

  /** The next frame, packed. */
  frame(bytes: Buffer): void {
    const row = Buffer.alloc(frameWidth);
    row.writeUInt32LE(bytes.length, 0);
    row.set(hash('sha256', bytes, 'buffer'), 12);
    this.#frames.push(row);
    this.#size += bytes.length;
  }

  /** What to put at the layer's end; undefined where it would help nobody. The same layer gives the same bytes. */
  async finish(compression: Compression): Promise<{ bytes: Buffer; place: MapPlace } | undefined> {
    const count = this.#paths.length;
    const isWorthwhile = this.#size >= worthwhile && count > 1 && this.#characters <= largest;
    if (!isWorthwhile || compression.kind === 'none') return undefined;
    const head = Buffer.alloc(headWidth);
    [version, this.#frames.length, count].forEach((number, i) => {
      head.writeUInt32LE(number, 4 * i);
    });
    this.#frames.forEach((row, i) => {
      const { first = count, skip = none } = this.#starts[i] ?? {};
      row.writeUInt32LE(first, 4);
      row.writeUInt32LE(skip, 8);
    });
    const paths = Buffer.from(this.#paths.join('\0'), 'latin1');
    const plain = Buffer.concat([head, ...this.#frames, Buffer.from(this.#kinds), paths]);
    const params = { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 };
    const bytes = conceal(await compress(plain, { params }), compression.kind);
    return { bytes, place: { offset: this.#size, digest: digestOf(bytes) } };
  }

  #startsOf(frame: number, skip: number): void {
    const first = this.#paths.length;
    // Frames in the middle of a large file: nothing begins there.
    while (this.#starts.length < frame) this.#starts.push({ first, skip: none });
    if (this.#starts.length === frame) this.#starts.push({ first, skip });
  }
}

/**
 * Reads the end of a layer, which {@link FrameMapWriter} has written.
 *
 * @param size of the layer's bytes before it.
 * @throws SubpipeError `FAILED` when it is none, or not of these bytes.
 */
export async function readFrameMap(bytes: Buffer, size: number, source: string): Promise<FrameMap> {
  const wrong = (cause?: unknown) => new SubpipeError('FAILED', `the map of ${source} is damaged`, { cause });
  const packed = reveal(bytes);
  if (packed === undefined) throw wrong();
  const plain = await decompress(packed, { maxOutputLength: 2 * largest }).catch((cause: unknown) => {
    throw wrong(cause);
  });
  if (plain.length < headWidth || plain.readUInt32LE(0) !== version) throw wrong();
  const [frameCount, count] = [plain.readUInt32LE(4), plain.readUInt32LE(8)];
  const kindsAt = headWidth + frameCount * frameWidth;
  const pathsAt = kindsAt + count;
  if (pathsAt > plain.length) throw wrong();
  const frames: MappedFrame[] = [];
  let [total, before] = [0, 0];
  for (let at = headWidth; at < kindsAt; at += frameWidth) {
    const skip = plain.readUInt32LE(at + 8);
    const frame = {
      size: plain.readUInt32LE(at),
      digest: plain.toString('hex', at + 12, at + frameWidth),
      first: plain.readUInt32LE(at + 4),
      skip: skip === none ? undefined : skip,
    };
    const fits = frame.first >= before && frame.first <= count && frame.size > 0 && frame.size <= largestFrame;
    if (!fits || (frame.skip ?? 0) >= frameSize) throw wrong();
    frames.push(frame);
    total += frame.size;
    before = frame.first;
  }
  const paths = allFromLatin1(plain.toString('latin1', pathsAt).split('\0'));
  const isPossible = paths.length === count && paths.every((path) => path.length <= longestPath);
  if (total !== size || !isPossible || frames[0]?.skip !== 0) throw wrong();
  return { frames, paths, kindOf: (entry) => kinds[plain[kindsAt + entry] ?? 0] ?? 'file' };
}
