import type { Buffer } from 'node:buffer';
import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';
import type { Compression } from './compression.ts';

const gzipWhole = promisify(gzip);
const zstdWhole = promisify(zstdCompress);

/**
 * Bytes of tar in one zstd frame or gzip member: each is compressed by itself, in a thread of Node's own, so that a
 * layer uses several cores and can be unpacked by several. Part of the format: another size gives other digests.
 */
export const frameSize = 2 * 1024 * 1024;

/** Frames that are compressed at a time, of each layer: Node has four threads for all of them. */
const parallel = 3;

/** As fast as level 1 for all that can be told, and smaller than gzip; 3 takes a quarter more time. */
const zstdLevel = 2;

/** Compresses pieces of up to {@link frameSize}, each a frame, in their order. `done` gets a piece back when it is free. */
export async function* compressFrames(
  pieces: Iterable<Buffer>,
  compression: Compression,
  done: (piece: Buffer) => void,
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

function compressOne(piece: Buffer, compression: Exclude<Compression, { kind: 'none' }>): Promise<Buffer> {
  switch (compression.kind) {
    case 'gzip':
      return gzipWhole(piece, { level: compression.level ?? 6, chunkSize: 1024 * 1024 });
    case 'zstd':
      return zstdWhole(piece, {
        chunkSize: 1024 * 1024,
        pledgedSrcSize: piece.length,
        params: {
          [constants.ZSTD_c_compressionLevel]: compression.level ?? zstdLevel,
          [constants.ZSTD_c_checksumFlag]: 1,
        },
      });
    default:
      return compression satisfies never;
  }
}
