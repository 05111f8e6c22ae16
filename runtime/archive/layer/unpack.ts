import { Buffer } from 'node:buffer';
import type { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip, createZstdDecompress, zstdDecompress } from 'node:zlib';
import { SubpipeError } from '../../errors.ts';
import { Collector, release } from '../collect.ts';
import { frameSize } from './frames.ts';
import { ZstdFrames } from './zstd-frames.ts';

const unpackWhole = promisify(zstdDecompress);

/** Frames up to this many packed bytes are unpacked whole, side by side; larger ones piece by piece. */
const wholeFrame = 8 * 1024 * 1024;
/** A whole frame that becomes more than this is a bomb or not of ours: it is unpacked piece by piece instead. */
const wholeContent = 16 * 1024 * 1024;
const parallel = 3;
/** A little more than our own frames become, so that they come in one piece. */
const oneChunk = frameSize + 1024;
const large = 1024 * 1024;

/**
 * The tar of a layer, whatever it is packed with: zstd (any number of frames), gzip (any number of members) or nothing.
 * Its first bytes tell, as media types are not always right. Reads `packed` to its end, so that a verifying stream can
 * say whether it was what it should be.
 *
 * @param source said in errors.
 * @returns pieces, each of which is gone when the next is asked for. From 1 MiB on each has memory of its own, which may
 * be moved to another thread.
 * @throws SubpipeError `FAILED` when it is damaged, and what `packed` fails with.
 */
export async function* unpack(packed: Readable, source: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const pieces = piecesOf(packed, signal);
  const first = await pieces.next();
  if (first.done === true) throw new SubpipeError('FAILED', `${source} is empty`);
  const whole = join(first.value, pieces);
  try {
    switch (kindOf(first.value)) {
      case 'gzip':
        yield* through(coalesce(whole), createGunzip({ chunkSize: large }), signal);
        break;
      case 'zstd':
        yield* unpackFrames(whole, source, signal);
        break;
      default:
        yield* coalesce(whole);
    }
  } catch (cause) {
    if (cause instanceof SubpipeError || signal?.aborted === true) throw cause;
    throw new SubpipeError('FAILED', `${source} cannot be unpacked`, { cause });
  } finally {
    packed.destroy();
  }
}

function kindOf(head: Buffer): 'gzip' | 'zstd' | 'none' {
  if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return 'gzip';
  const word = head.length >= 4 ? head.readUInt32LE(0) : 0;
  return word === 0xfd2fb528 || (word & 0xfffffff0) >>> 0 === 0x184d2a50 ? 'zstd' : 'none';
}

async function* unpackFrames(
  packed: AsyncGenerator<Buffer>,
  source: string,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const frames = framesOf(packed, source);
  const queue: Promise<Buffer>[] = [];
  let next = asked(frames);
  for (;;) {
    // What is unpacked is given before more is waited for, which comes meanwhile.
    const [first] = queue;
    const found =
      queue.length >= parallel
        ? 'full'
        : await (first === undefined ? next : Promise.race([next, first.then(isReady)]));
    if (found === 'full') {
      yield* pieceOf(queue, signal);
      continue;
    }
    if (found.done === true) break;
    const { value: frame } = found;
    if (frame.kind === 'whole') {
      const unpacked = unpackOne(frame.bytes);
      unpacked.catch(() => {}); // told when its turn comes
      queue.push(unpacked);
    } else {
      while (queue.length > 0) yield* pieceOf(queue, signal);
      yield* through(coalesce(frame.pieces), createZstdDecompress({ chunkSize: large }), signal);
    }
    next = asked(frames);
  }
  while (queue.length > 0) yield* pieceOf(queue, signal);
}

function isReady(): 'full' {
  return 'full';
}

function asked(frames: AsyncGenerator<Frame>): Promise<IteratorResult<Frame, undefined>> {
  const next = frames.next();
  next.catch(() => {}); // told when it is waited for
  return next;
}

async function* pieceOf(queue: Promise<Buffer>[], signal?: AbortSignal): AsyncGenerator<Buffer> {
  const next = queue.shift();
  if (next === undefined) return;
  signal?.throwIfAborted();
  const piece = await next;
  yield piece;
  // Made for us alone, unlike what streams give. V8 would let dozens of MiB come together.
  release(piece);
}

/** @param bytes are gone. */
async function unpackOne(bytes: Buffer): Promise<Buffer> {
  const unpacked = await unpackWhole(bytes, { chunkSize: oneChunk, maxOutputLength: wholeContent });
  release(bytes);
  return unpacked;
}

type Frame = { kind: 'whole'; bytes: Buffer } | { kind: 'open'; pieces: AsyncGenerator<Buffer> };

/** Frames one after the other. The pieces of an open one must be read to their end before the next is asked for. */
async function* framesOf(packed: AsyncGenerator<Buffer>, source: string): AsyncGenerator<Frame> {
  const scanner = new ZstdFrames(source);
  const collector = new Collector();
  let held: Buffer[] = [];
  let size = 0;
  let rest: Buffer = Buffer.alloc(0);
  const more = async (): Promise<boolean> => {
    const next = await packed.next();
    if (next.done === true) return false;
    rest = next.value;
    return true;
  };
  const openPieces = async function* (): AsyncGenerator<Buffer> {
    yield* held;
    held = [];
    for (;;) {
      if (rest.length === 0 && !(await more())) throw ended();
      const { count, ends } = scanner.take(rest, 0);
      const piece = rest.subarray(0, count);
      rest = rest.subarray(count);
      yield piece;
      if (ends) return;
    }
  };
  const ended = (): SubpipeError => new SubpipeError('FAILED', `${source} ends in the middle of a zstd frame`);
  for (;;) {
    if (rest.length === 0 && !(await more())) break;
    const { count, ends } = scanner.take(rest, 0);
    held.push(rest.subarray(0, count));
    size += count;
    rest = rest.subarray(count);
    const isLarge = size > wholeFrame;
    if (ends) {
      const whole = Buffer.allocUnsafeSlow(size);
      let at = 0;
      for (const piece of held) at += piece.copy(whole, at);
      collector.letGo(size);
      held = [];
      size = 0;
      yield tellsMore(whole) ? { kind: 'open', pieces: once(whole) } : { kind: 'whole', bytes: whole };
    } else if (isLarge) {
      size = 0;
      yield { kind: 'open', pieces: openPieces() };
    }
  }
  if (held.length > 0 || !scanner.isBetween) throw ended();
}

/** Whether a frame does not tell its size or tells one that is too large to have whole (RFC 8878, section 3.1.1.1.4). */
function tellsMore(frame: Buffer): boolean {
  if (frame.readUInt32LE(0) !== 0xfd2fb528) return false;
  const bits = frame[4] ?? 0;
  const single = (bits & 0x20) !== 0;
  const kind = bits >> 6;
  const at = 5 + (single ? 0 : 1) + ([0, 1, 2, 4][bits & 3] ?? 0);
  // The format's largest ratio is 128 KiB from 4 bytes: what is this small is small in any case.
  if (kind === 0) return !single && frame.length > 512;
  if (kind === 1) return false;
  const size = kind === 2 ? frame.readUInt32LE(at) : Number(frame.readBigUInt64LE(at));
  return size > wholeContent;
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

async function* join(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

/** What comes, the first with enough to tell what it is. */
async function* piecesOf(packed: Readable, signal?: AbortSignal): AsyncGenerator<Buffer> {
  let first: Buffer | undefined = Buffer.alloc(0);
  for await (const piece of packed) {
    signal?.throwIfAborted();
    if (!Buffer.isBuffer(piece)) throw new Error('a stream of bytes was expected');
    if (first === undefined) yield piece;
    else {
      first = first.length === 0 ? piece : Buffer.concat([first, piece]);
      if (first.length < 4) continue;
      yield first;
      first = undefined;
    }
  }
  if (first !== undefined && first.length > 0) yield first;
}

/** Pieces of a megabyte or so: each that zlib gets costs a turn in another thread. */
async function* coalesce(packed: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const collector = new Collector();
  let held: Buffer[] = [];
  let size = 0;
  for await (const piece of packed) {
    held.push(piece);
    size += piece.length;
    if (size < large) continue;
    yield Buffer.concat(held, size);
    collector.letGo(size);
    held = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(held, size);
}

/** What `transform` makes of `pieces`. */
async function* through(
  pieces: AsyncGenerator<Buffer>,
  transform: Transform,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const flow = pipeline(pieces, transform, signal === undefined ? {} : { signal });
  flow.catch(() => {}); // told by the stream, and below
  for await (const piece of transform) {
    if (!Buffer.isBuffer(piece)) continue;
    // It may share its memory with the next.
    const own = Buffer.allocUnsafeSlow(piece.length);
    piece.copy(own);
    yield own;
    release(own);
  }
  await flow;
}
