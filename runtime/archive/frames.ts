import { Buffer } from 'node:buffer';
import { constants, createGzip, createZstdCompress, type ZlibOptions, type ZstdCompress } from 'node:zlib';
import { release } from './collect.ts';
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
 * @param parallel how many at a time; what comes out is the same. `zstdCompressSync` would give other bytes.
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

/** What `zstdCompress` and `gzip` do, but for the room that they leave to the garbage collector, 2 MiB each time. */
function compressOne(piece: Buffer, compression: Exclude<Compression, { kind: 'none' }>): Promise<Buffer> {
  const engine = compression.kind === 'gzip' ? createGzip(gzipOptions(compression)) : zstd(compression, piece.length);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const parts: Buffer[] = [];
  engine.on('data', (part: Buffer) => parts.push(part));
  engine.once('error', reject);
  // Not before: until then the engine may write there.
  engine.once('close', () => {
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const packed = Buffer.allocUnsafeSlow(size);
    let at = 0;
    for (const part of parts) at += part.copy(packed, at);
    for (const part of parts) release(part);
    resolve(packed);
  });
  engine.end(piece);
  return promise;
}

function gzipOptions({ level = 6 }: { level?: number }): ZlibOptions {
  return { level, chunkSize: wholeFrame };
}

function zstd({ level = zstdLevel }: { level?: number }, size: number): ZstdCompress {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
  return createZstdCompress({ chunkSize: wholeFrame, pledgedSrcSize: size, params });
}
