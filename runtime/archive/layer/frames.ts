import { Buffer } from 'node:buffer';
import {
  constants,
  createGzip,
  createZstdCompress,
  gzipSync,
  type ZlibOptions,
  type ZstdOptions,
  zstdCompressSync,
} from 'node:zlib';
import { release } from '../collect.ts';
import type { Compression } from './compression.ts';

/**
 * Bytes of tar in one zstd frame or gzip member: each is compressed by itself, in a thread of Node's own, so that a
 * layer uses several cores and can be unpacked by several. Part of the format: another size gives other digests.
 */
export const frameSize = 2 * 1024 * 1024;

/** What no frame is larger than (ZSTD_COMPRESSBOUND, compressBound): it comes in one piece, and none is put together. */
const wholeFrame = frameSize + frameSize / 128;

/** Frames that are compressed at a time, of each layer: Node has four threads for all of them. */
const defaultParallel = 3;

/** As fast as level 1 for all that can be told, and smaller than gzip; 3 takes a quarter more time. */
const zstdLevel = 2;

/**
 * Compresses pieces of up to {@link frameSize}, each a frame, in their order. `done` gets a piece back when it is free.
 *
 * @param parallel how many at a time, in Node's own threads; 1: in this thread, which is best where there is one for each
 * layer. What comes out is the same.
 */
export async function* compressFrames(
  pieces: Iterable<Buffer>,
  compression: Compression,
  done: (piece: Buffer) => void,
  parallel = defaultParallel,
): AsyncGenerator<Buffer> {
  if (compression.kind === 'none') {
    yield* pieces;
    return;
  }
  if (parallel === 1) {
    for (const piece of pieces) {
      const frame = compressNow(piece, compression);
      done(piece);
      yield frame;
    }
    return;
  }
  const queue: Promise<Buffer>[] = [];
  for (const piece of pieces) {
    const frame = compressOne(piece, compression).finally(() => done(piece));
    frame.catch(() => {}); // told when its turn comes
    queue.push(frame);
    if (queue.length < parallel) continue;
    const first = await queue.shift();
    if (first !== undefined) yield first;
  }
  for (const frame of queue) yield await frame;
}

type Packed = Exclude<Compression, { kind: 'none' }>;

function compressNow(piece: Buffer, compression: Packed): Buffer {
  if (compression.kind === 'gzip') return inOne([gzipSync(piece, gzipOptions(compression))]);
  return inOne([zstdCompressSync(piece, zstdOptions(compression, piece.length))]);
}

/** In memory of its own, of about the right size. What Node gives has room for a whole frame. */
function inOne(parts: readonly Buffer[]): Buffer {
  const [only] = parts;
  if (only !== undefined && parts.length === 1 && only.length > wholeFrame / 2) return only;
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const packed = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const part of parts) at += part.copy(packed, at);
  for (const part of parts) release(part);
  return packed;
}

/** What `zstdCompress` and `gzip` do, but for the room that they leave to the garbage collector, 2 MiB each time. */
function compressOne(piece: Buffer, compression: Packed): Promise<Buffer> {
  // One write with the flag of an end is a whole frame, the same bytes as in one call; an `end` would add an empty one.
  const engine =
    compression.kind === 'gzip'
      ? createGzip({ ...gzipOptions(compression), flush: constants.Z_FINISH })
      : createZstdCompress({ ...zstdOptions(compression, piece.length), flush: constants.ZSTD_e_end });
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const parts: Buffer[] = [];
  engine.on('data', (part: Buffer) => parts.push(part));
  engine.once('error', reject);
  // Not before: until then the engine may write there.
  engine.once('close', () => resolve(inOne(parts)));
  engine.write(piece, () => engine.close());
  return promise;
}

function gzipOptions({ level = 6 }: { level?: number }): ZlibOptions {
  return { level, chunkSize: wholeFrame };
}

function zstdOptions({ level = zstdLevel }: { level?: number }, size: number): ZstdOptions {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
  return { chunkSize: wholeFrame, pledgedSrcSize: size, params };
}
