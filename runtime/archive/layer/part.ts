import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { hasCode, SubpipeError } from '../../errors.ts';
import { digestOf } from '../../oci/digest.ts';
import { type BytePath, entryPath, shown } from '../path.ts';
import type { TarHeader } from '../tar/header.ts';
import { TarParser, type TarVisitor } from '../tar/parser.ts';
import { type EntryKind, type FrameMap, type MapPlace, type MappedFrame, readFrameMap } from './frame-map.ts';
import type { LayerSource } from './read-layer.ts';
import { unpack } from './unpack.ts';

/** How a layer that has a map is read in part. */
export interface LayerParts extends MapPlace {
  /** Bytes of the layer; nothing is verified about them. Fails where only all of it can be had. */
  read(start: number, length: number, signal?: AbortSignal): Promise<Readable>;
}

/** Whether an entry's header and content are to be read; `all`: all of the layer. */
export type Needs = (path: BytePath, type: EntryKind) => boolean | 'all';

/** Bytes that are read rather than left out between two parts: a request costs about as much. */
const smallGap = 256 * 1024;
/** What a part may cost of a whole layer: less is saved than two more requests cost. */
const worthwhile = 0.75;

/**
 * Feeds a layer's tar to `visitor`, of which only what it needs is read. Of the others it is told the path and the kind,
 * and nothing else, in their order. Each byte is verified: the map by its digest, frames by theirs in the map.
 *
 * @returns false where all of the layer is to be read: nothing was told yet.
 * @throws SubpipeError `FAILED` when the layer is not what its map says.
 */
export async function readPart(
  layer: LayerSource,
  parts: LayerParts,
  visitor: TarVisitor,
  needs: Needs,
  options: { signal?: AbortSignal | undefined; progress: (bytes: number) => void },
): Promise<boolean> {
  if (layer.size - parts.offset > layer.size * worthwhile) return false;
  const map = await mapOf(layer, parts, options.signal);
  const runs = map === undefined ? undefined : runsOf(map, needs);
  if (map === undefined || runs === undefined) return false;
  const cost = runs.reduce((sum, { end, start }) => sum + end - start, layer.size - parts.offset);
  if (cost > layer.size * worthwhile) return false;
  let at = 0;
  for (const run of runs) {
    for (; at < run.first; at++) visitor.entry(outlined(map, at), true);
    await readRun(layer, parts, map, run, visitor, options);
    at = run.last;
  }
  for (; at < map.paths.length; at++) visitor.entry(outlined(map, at), true);
  return true;
}

/** Undefined where it cannot be had: then all of the layer is read, which is verified by itself. */
async function mapOf(layer: LayerSource, parts: LayerParts, signal?: AbortSignal): Promise<FrameMap | undefined> {
  try {
    const pieces: Buffer[] = [];
    for await (const piece of await parts.read(parts.offset, layer.size - parts.offset, signal)) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    return digestOf(bytes) === parts.digest ? await readFrameMap(bytes, parts.offset, layer.name) : undefined;
  } catch (error) {
    if (signal?.aborted === true || !(error instanceof SubpipeError) || hasCode(error, 'ABORTED')) throw error;
    return undefined;
  }
}

/** Frames that follow each other. */
interface Run {
  frames: readonly MappedFrame[];
  /** Bytes of the layer. */
  start: number;
  end: number;
  /** The entries from `first` to before `last` are in it from beginning to end. */
  first: number;
  last: number;
}

/** Undefined where all is needed. */
function runsOf(map: FrameMap, needs: Needs): Run[] | undefined {
  const { frames, paths } = map;
  const wanted = new Set<number>();
  let frame = 0;
  for (const [entry, path] of paths.entries()) {
    while ((frames[frame + 1]?.first ?? Number.POSITIVE_INFINITY) <= entry) frame++;
    const needed = needs(path, map.kindOf(entry));
    if (needed === 'all') return undefined;
    if (!needed) continue;
    for (let i = frame, end = endOf(frames, frame, entry); i <= end; i++) wanted.add(i);
  }
  const runs: Run[] = [];
  let at = 0;
  let run: { from: number; start: number; end: number; to: number } | undefined;
  const close = (): void => {
    if (run === undefined) return;
    const { from, start, to, end } = run;
    const first = frames[from]?.first ?? 0;
    runs.push({ frames: frames.slice(from, to + 1), start, end, first, last: completeAfter(map, to) });
  };
  for (const [i, { size }] of frames.entries()) {
    if (wanted.has(i)) {
      if (run === undefined || at - run.end > smallGap) {
        close();
        run = { from: i, start: at, to: i, end: at };
      }
      run.to = i;
      run.end = at + size;
    }
    at += size;
  }
  close();
  return runs;
}

/** The last frame that has something of an entry that begins in `frame`. */
function endOf(frames: readonly MappedFrame[], frame: number, entry: number): number {
  if (entry + 1 < (frames[frame + 1]?.first ?? 0)) return frame;
  for (let i = frame + 1; i < frames.length; i++) {
    const { skip } = frames[i] ?? {};
    if (skip !== undefined) return skip > 0 ? i : i - 1;
  }
  return frames.length - 1;
}

/** How many entries have ended with this frame. */
function completeAfter({ frames, paths }: FrameMap, frame: number): number {
  const next = frames[frame + 1];
  if (next === undefined) return paths.length;
  return next.skip === 0 ? next.first : next.first - 1;
}

async function readRun(
  layer: LayerSource,
  parts: LayerParts,
  map: FrameMap,
  run: Run,
  visitor: TarVisitor,
  { signal, progress }: { signal?: AbortSignal | undefined; progress: (bytes: number) => void },
): Promise<void> {
  const checked = new Checked(map, run, visitor, layer.name);
  const parser = new TarParser(checked, layer.name);
  const packed = verified(await parts.read(run.start, run.end - run.start, signal), run.frames, layer.name);
  let skip = run.frames[0]?.skip ?? 0;
  for await (const piece of unpack(Readable.from(packed, { objectMode: false }), layer.name, signal)) {
    const from = Math.min(skip, piece.length);
    const { length } = piece;
    skip -= from;
    parser.write(piece.subarray(from));
    progress(length);
  }
  checked.finish();
}

/** Frames, each when it is known to be what the map says. */
async function* verified(
  packed: Readable,
  frames: readonly MappedFrame[],
  source: string,
): AsyncGenerator<Buffer, void, undefined> {
  const queue = frames.values();
  let frame = queue.next().value;
  let held: Buffer[] = [];
  let size = 0;
  for await (const piece of packed as AsyncIterable<Buffer>) {
    let rest = piece;
    while (frame !== undefined && size + rest.length >= frame.size) {
      held.push(rest.subarray(0, frame.size - size));
      rest = rest.subarray(frame.size - size);
      const whole = Buffer.concat(held);
      if (hash('sha256', whole) !== frame.digest)
        throw new SubpipeError('FAILED', `${source} has other bytes than its map says: a frame has another digest`);
      yield whole;
      [held, size, frame] = [[], 0, queue.next().value];
    }
    held.push(rest);
    size += rest.length;
  }
  if (frame !== undefined) throw new SubpipeError('FAILED', `${source} ended in the middle of a part`);
}

/** Passes on the entries of a run, each of which must be the one that the map says. */
class Checked implements TarVisitor {
  readonly #map: FrameMap;
  readonly #last: number;
  readonly #visitor: TarVisitor;
  readonly #source: string;
  #at: number;
  #isOpen = false;
  #isOver = false;

  constructor(map: FrameMap, run: Run, visitor: TarVisitor, source: string) {
    this.#map = map;
    this.#last = run.last;
    this.#visitor = visitor;
    this.#source = source;
    this.#at = run.first;
  }

  entry(header: TarHeader): void {
    this.#isOver = this.#at >= this.#last;
    // The beginning of one that ends elsewhere: nobody needs it.
    if (this.#isOver) return;
    const path = entryPath(header.path, this.#source);
    if (path !== this.#map.paths[this.#at] || header.type !== this.#map.kindOf(this.#at)) throw this.#wrong(path);
    this.#at++;
    this.#isOpen = header.type === 'file';
    this.#visitor.entry(header);
  }

  data(bytes: Buffer, at: number): void {
    if (!this.#isOver) this.#visitor.data(bytes, at);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOpen = false;
    this.#visitor.end();
  }

  flush(): void {
    this.#visitor.flush?.();
  }

  finish(): void {
    if (this.#at < this.#last || this.#isOpen) throw this.#wrong(this.#map.paths[this.#at] ?? '');
  }

  #wrong(path: string): SubpipeError {
    return new SubpipeError('FAILED', `${this.#source} has other entries than its map says, at "${shown(path)}"`);
  }
}

/** What is told of an entry that was not read. */
function outlined(map: FrameMap, entry: number): TarHeader {
  const path = map.paths[entry] ?? '';
  return { path, type: map.kindOf(entry), mode: 0, uid: 0, gid: 0, size: 0, mtime: 0, nanoseconds: 0 };
}
