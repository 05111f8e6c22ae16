import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SubpipeError } from '../../errors.ts';
import { asDigest, Meter } from '../../oci/digest.ts';
import { type Compression, layerMediaType } from '../layer/compression.ts';
import { FrameMapWriter } from '../layer/frame-map.ts';
import { compressFrames } from '../layer/frames.ts';
import type { Layer } from '../layer/layer.ts';
import { type Libc, loadLibc } from '../libc.ts';
import { type BytePath, join, locator, nameOf, parentOf, shown } from '../path.ts';
import { block, padded, type TarHeader, writeHeader } from '../tar/header.ts';
import { type Change, opaqueName, whiteoutPrefix } from '../tree/changes.ts';
import { changed, linkTarget, type TreeNode } from '../tree/node.ts';
import { Filler } from './filler.ts';

/** Which times an image keeps: all, whole seconds, or no later than this many seconds since 1970 (SOURCE_DATE_EPOCH). */
export type Times = 'nanoseconds' | 'seconds' | { latest: number };

export interface WriteTreeOptions {
  /** Default zstd. */
  compression?: Compression;
  /** Default nanoseconds. */
  times?: Times;
  /** Whose the files are in the image. Default: who they belong to. */
  owner?: { uid: number; gid: number } | undefined;
  /** Whether `user.*` and `security.capability` are kept. Default true, where Node can read them ({@link loadLibc}). */
  attributes?: boolean;
  /** Called now and then with bytes of tar, and changes, so far. */
  progress?: (bytes: number, changes: number) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Writes a layer of what changed in a folder (image-spec, layer.md). The same tree and options give the same bytes. No
 * more than some pieces of 2 MiB are in memory, whatever is in the folder.
 *
 * @param tree the folder that was scanned.
 * @throws SubpipeError `FAILED` when something cannot be read, or is no longer what the scan saw.
 */
export async function writeTree(
  tree: { root: string },
  changes: Iterable<Change>,
  sink: Writable,
  options: WriteTreeOptions = {},
): Promise<Layer> {
  const packed = new Meter();
  let whole: PackedTree | undefined;
  const pieces = async function* (): AsyncGenerator<Buffer> {
    whole = yield* packTree(tree, changes, options);
  };
  await pipeline(pieces(), packed, sink, options.signal === undefined ? {} : { signal: options.signal });
  if (whole === undefined) throw new Error('unreachable: the stream has ended');
  const mediaType = layerMediaType(options.compression ?? { kind: 'zstd' });
  return { ...whole, descriptor: { mediaType, digest: packed.digest, size: packed.size } };
}

/** What is known of a layer but for its packed bytes. */
export type PackedTree = Pick<Layer, 'diffId' | 'tarSize' | 'map'>;

/** The bytes of {@link writeTree}. @param parallel see {@link compressFrames}. */
export async function* packTree(
  tree: { root: string },
  changes: Iterable<Change>,
  options: WriteTreeOptions = {},
  parallel?: number,
): AsyncGenerator<Buffer, PackedTree> {
  const filler = new Filler();
  const map = new FrameMapWriter();
  const hash = createHash('sha256');
  let tarSize = 0;
  const pieces = function* (): Generator<Buffer> {
    const context = contextOf(tree.root, filler, map, options);
    for (const piece of tarOf(context, changes)) {
      options.signal?.throwIfAborted();
      hash.update(piece);
      tarSize += piece.length;
      options.progress?.(tarSize, context.done);
      yield piece;
    }
  };
  const compression = options.compression ?? { kind: 'zstd' };
  for await (const frame of compressFrames(pieces(), compression, (piece) => filler.giveBack(piece), parallel)) {
    if (compression.kind !== 'none') map.frame(frame);
    yield frame;
  }
  // Pieces that are not packed are with whoever got them.
  if (compression.kind !== 'none') filler.release();
  const whole = { diffId: asDigest(hash), tarSize };
  const mapped = await map.finish(compression);
  if (mapped === undefined) return whole;
  yield mapped.bytes;
  return { ...whole, map: mapped.place };
}

/** What is done for each of tens of thousands of files has no generator, no closure and no copy of an object of its own. */
function* tarOf(context: Context, changes: Iterable<Change>): Generator<Buffer, void, undefined> {
  const { filler } = context;
  for (const change of changes) {
    switch (change.kind) {
      case 'put': {
        const { node } = change;
        if (node.type !== 'file' || node.linkTo !== undefined) addEmpty(context, node);
        else if (node.size <= small) addSmallFile(context, node);
        else yield* addLargeFile(context, node);
        break;
      }
      case 'remove':
        addMark(context, join(parentOf(change.path), whiteoutPrefix + nameOf(change.path)));
        break;
      case 'empty':
        addMark(context, join(change.path, opaqueName));
        break;
      default:
        change satisfies never;
    }
    context.done++;
    if (filler.hasFull) yield* filler.take();
  }
  filler.zeros(2 * block);
  yield* filler.take();
  const rest = filler.rest();
  if (rest !== undefined) yield rest;
}

interface Context {
  root: string;
  at: (path: BytePath) => string | Buffer;
  filler: Filler;
  map: FrameMapWriter;
  libc: Libc | undefined;
  owner: { uid: number; gid: number } | undefined;
  times: Times;
  /** Changes so far. */
  done: number;
}

function contextOf(root: string, filler: Filler, map: FrameMapWriter, options: WriteTreeOptions): Context {
  const { owner, times = 'nanoseconds' } = options;
  const libc = options.attributes === false ? undefined : loadLibc();
  return { root, at: locator(root), filler, map, libc, owner, times, done: 0 };
}

function addHeader({ filler, map }: Context, header: TarHeader & { path: BytePath }): void {
  map.entry(header.path, header.type, filler.position);
  writeHeader(header, filler);
}

function addMark(context: Context, path: BytePath): void {
  addHeader(context, { path, type: 'file', mode: 0, uid: 0, gid: 0, size: 0, mtime: 0, nanoseconds: 0 });
}

/** Files up to this size are read before their header is written, which saves a look at each. */
const small = 256 * 1024;
let space: Buffer | undefined;

function addSmallFile(context: Context, node: TreeNode): void {
  const { filler } = context;
  const { size } = node;
  space ??= Buffer.allocUnsafeSlow(small);
  const fd = open(context, node);
  try {
    for (let from = 0; from < size; ) {
      const count = readSync(fd, space, from, size - from, null);
      if (count === 0) throw changed(node.path);
      from += count;
    }
    // Now, and not before: what is the same after it was read was the same all the time.
    const found = fstatSync(fd, { bigint: true });
    const isSame = Number(found.ino) === node.ino && Number(found.size) === size;
    if (!isSame || milliseconds(found.ctimeNs) !== node.ctimeMs) throw changed(node.path);
    addHeader(context, describe(context, node, found.mtimeNs, fd));
  } finally {
    closeSync(fd);
  }
  filler.add(space, size);
  filler.zeros(padded(size) - size);
}

function* addLargeFile(context: Context, node: TreeNode): Generator<Buffer> {
  const { filler } = context;
  const fd = open(context, node);
  try {
    addHeader(context, describe(context, node, fstatSync(fd, { bigint: true }).mtimeNs, fd));
    for (let left = node.size; left > 0; ) {
      const count = readSync(fd, filler.piece, filler.used, Math.min(filler.room, left), null);
      if (count === 0) throw changed(node.path);
      filler.advance(count);
      left -= count;
      if (filler.hasFull) yield* filler.take();
    }
    const { ino, size, ctimeMs } = fstatSync(fd);
    if (ino !== node.ino || size !== node.size || ctimeMs !== node.ctimeMs) throw changed(node.path);
  } finally {
    closeSync(fd);
  }
  filler.zeros(padded(node.size) - node.size);
}

/** As Node gives a time that is not asked for as a bigint. */
function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000000000n) * 1000 + Number(nanoseconds % 1000000000n) / 1e6;
}

/** Anything without content. */
function addEmpty(context: Context, node: TreeNode): void {
  const found = lookedAt(context, node);
  if (node.linkTo !== undefined) {
    const header = describe(context, node, found.mtimeNs);
    addHeader(context, { ...header, type: 'hardlink', size: 0, target: node.linkTo });
  } else if (node.type === 'symlink') {
    const header = describe(context, node, found.mtimeNs);
    addHeader(context, { ...header, mode: 0o777, target: linkTarget(context, node.path) });
  } else if (context.libc === undefined) {
    addHeader(context, describe(context, node, found.mtimeNs));
  } else {
    const fd = open(context, node);
    try {
      addHeader(context, describe(context, node, found.mtimeNs, fd));
    } finally {
      closeSync(fd);
    }
  }
}

/** @param fd where it may have attributes. */
function describe(context: Context, node: TreeNode, mtimeNs: bigint, fd?: number): TarHeader & { path: BytePath } {
  const { owner, times } = context;
  let mtime = Number(mtimeNs / 1000000000n);
  let nanoseconds = Number(mtimeNs % 1000000000n);
  if (nanoseconds < 0) {
    mtime--;
    nanoseconds += 1e9;
  }
  if (times === 'seconds') nanoseconds = 0;
  else if (times !== 'nanoseconds' && mtime >= times.latest) [mtime, nanoseconds] = [times.latest, 0];
  const header: TarHeader & { path: BytePath } = {
    path: node.path,
    type: node.type,
    mode: node.mode,
    uid: owner?.uid ?? node.uid,
    gid: owner?.gid ?? node.gid,
    size: node.size,
    mtime,
    nanoseconds,
  };
  const attributes = fd === undefined ? undefined : attributesOf(context.libc, fd);
  if (attributes !== undefined) header.attributes = attributes;
  return header;
}

/** Attributes that mean the same on another machine; labels of SELinux and access lists do not. */
export function isKept(name: string): boolean {
  return name.startsWith('user.') || name === 'security.capability';
}

/** Those of an open file that an image keeps; undefined where it has none. */
export function attributesOf(libc: Libc | undefined, fd: number): Map<string, Buffer> | undefined {
  const names = libc?.list(fd);
  if (names === undefined || names.length === 0) return undefined;
  const found = new Map<string, Buffer>();
  for (const name of names.filter(isKept).sort()) {
    const value = libc?.get(fd, name);
    if (value !== undefined) found.set(name, value);
  }
  return found.size === 0 ? undefined : found;
}

function lookedAt(context: Context, node: TreeNode): BigIntStats {
  try {
    const found = lstatSync(context.at(node.path), { bigint: true });
    if (Number(found.ino) === node.ino && (node.type !== 'file' || Number(found.size) === node.size)) return found;
  } catch (error) {
    throw unreadable(node.path, error);
  }
  throw changed(node.path);
}

/** Not blocking: what was a file a moment ago could be a pipe now. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

function open(context: Context, node: TreeNode): number {
  try {
    const flags = node.type === 'folder' ? openFlags | constants.O_DIRECTORY : openFlags;
    return openSync(context.at(node.path), flags);
  } catch (error) {
    throw unreadable(node.path, error);
  }
}

function unreadable(path: BytePath, cause: unknown): SubpipeError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR') return changed(path);
  return new SubpipeError('FAILED', `cannot read ${shown(path)}`, { cause });
}
