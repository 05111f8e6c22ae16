import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
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
  /** Default zstd, level 3. */
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
  let done = 0;
  const counted = function* (): Generator<Change> {
    for (const change of changes) {
      yield change;
      done++;
    }
  };
  const pieces = function* (): Generator<Buffer> {
    for (const piece of tarOf(tree.root, counted(), filler, map, options)) {
      options.signal?.throwIfAborted();
      hash.update(piece);
      tarSize += piece.length;
      options.progress?.(tarSize, done);
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

function* tarOf(
  root: string,
  changes: Iterable<Change>,
  filler: Filler,
  map: FrameMapWriter,
  options: WriteTreeOptions,
): Generator<Buffer, void, undefined> {
  const libc = options.attributes === false ? undefined : loadLibc();
  const add = (bytes: Buffer) => filler.add(bytes);
  const context: Context = { root, at: locator(root), filler, add, map, libc, options };
  for (const change of changes) {
    switch (change.kind) {
      case 'put':
        if (change.node.type === 'file' && change.node.linkTo === undefined) yield* addFile(context, change.node);
        else addHeader(context, headerOf(context, change.node));
        break;
      case 'remove':
        addMark(context, join(parentOf(change.path), whiteoutPrefix + nameOf(change.path)));
        break;
      case 'empty':
        addMark(context, join(change.path, opaqueName));
        break;
      default:
        change satisfies never;
    }
    yield* filler.take();
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
  add: (bytes: Buffer) => void;
  map: FrameMapWriter;
  libc: Libc | undefined;
  options: WriteTreeOptions;
}

function addHeader({ filler, add, map }: Context, header: TarHeader & { path: BytePath }): void {
  map.entry(header.path, header.type, filler.position);
  writeHeader(header, add);
}

function addMark(context: Context, path: BytePath): void {
  addHeader(context, { path, type: 'file', mode: 0, uid: 0, gid: 0, size: 0, mtime: 0, nanoseconds: 0 });
}

/** Files up to this size are read before their header is written, which saves a look at each. */
const small = 256 * 1024;
let space: Buffer | undefined;

function* addFile(context: Context, node: TreeNode): Generator<Buffer> {
  const { filler, at } = context;
  // Not blocking: what was a file a moment ago could be a pipe now.
  const fd = opened(node.path, () =>
    openSync(at(node.path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK),
  );
  try {
    if (node.size <= small) addSmallFile(context, node, fd);
    else yield* addLargeFile(context, node, fd);
    filler.zeros(padded(node.size) - node.size);
  } finally {
    closeSync(fd);
  }
}

function addSmallFile(context: Context, node: TreeNode, fd: number): void {
  space ??= Buffer.allocUnsafeSlow(small);
  for (let from = 0; from < node.size; ) {
    const count = readSync(fd, space, from, node.size - from, null);
    if (count === 0) throw changed(node.path);
    from += count;
  }
  // Now, and not before: what is the same after it was read was the same all the time.
  const found = fstatSync(fd, { bigint: true });
  check(node, { ino: Number(found.ino), size: Number(found.size), ctimeMs: milliseconds(found.ctimeNs) });
  addHeader(context, describe(context, node, found.mtimeNs, fd));
  if (node.size > 0) context.filler.add(space.subarray(0, node.size));
}

function* addLargeFile(context: Context, node: TreeNode, fd: number): Generator<Buffer> {
  const { filler } = context;
  addHeader(context, describe(context, node, fstatSync(fd, { bigint: true }).mtimeNs, fd));
  for (let left = node.size; left > 0; ) {
    const count = readSync(fd, filler.piece, filler.used, Math.min(filler.room, left), null);
    if (count === 0) throw changed(node.path);
    filler.advance(count);
    left -= count;
    yield* filler.take();
  }
  check(node, fstatSync(fd));
}

/** As Node gives a time that is not asked for as a bigint. */
function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000000000n) * 1000 + Number(nanoseconds % 1000000000n) / 1e6;
}

/** Header of anything without content. */
function headerOf(context: Context, node: TreeNode): TarHeader & { path: BytePath } {
  const full = context.at(node.path);
  const found = opened(node.path, () => lstatSync(full, { bigint: true }));
  check(node, { ino: Number(found.ino), size: Number(found.size), ctimeMs: undefined });
  if (node.linkTo !== undefined) {
    return { ...describe(context, node, found.mtimeNs), type: 'hardlink', size: 0, target: node.linkTo };
  }
  if (node.type === 'symlink') {
    return { ...describe(context, node, found.mtimeNs), mode: 0o777, target: linkTarget(context, node.path) };
  }
  if (context.libc === undefined) return describe(context, node, found.mtimeNs);
  const fd = opened(node.path, () =>
    openSync(full, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_DIRECTORY | constants.O_NONBLOCK),
  );
  try {
    return describe(context, node, found.mtimeNs, fd);
  } finally {
    closeSync(fd);
  }
}

function describe(context: Context, node: TreeNode, mtimeNs: bigint, fd?: number): TarHeader & { path: BytePath } {
  const { owner, times = 'nanoseconds' } = context.options;
  const attributes = fd === undefined ? undefined : attributesOf(context.libc, fd);
  return {
    path: node.path,
    type: node.type,
    mode: node.mode,
    uid: owner?.uid ?? node.uid,
    gid: owner?.gid ?? node.gid,
    size: node.size,
    ...timeOf(mtimeNs, times),
    ...(attributes === undefined ? {} : { attributes }),
  };
}

function timeOf(mtimeNs: bigint, times: Times): { mtime: number; nanoseconds: number } {
  const nanoseconds = Number(BigInt.asUintN(64, ((mtimeNs % 1000000000n) + 1000000000n) % 1000000000n));
  const mtime = Number((mtimeNs - BigInt(nanoseconds)) / 1000000000n);
  if (times === 'nanoseconds') return { mtime, nanoseconds };
  if (times === 'seconds') return { mtime, nanoseconds: 0 };
  return mtime >= times.latest ? { mtime: times.latest, nanoseconds: 0 } : { mtime, nanoseconds };
}

/** Attributes that mean the same on another machine; labels of SELinux and access lists do not. */
export function isKept(name: string): boolean {
  return name.startsWith('user.') || name === 'security.capability';
}

function attributesOf(libc: Libc | undefined, fd: number): Map<string, Buffer> | undefined {
  const names = libc?.list(fd) ?? [];
  if (names.length === 0) return undefined;
  const found = new Map<string, Buffer>();
  for (const name of names.filter(isKept).sort()) {
    const value = libc?.get(fd, name);
    if (value !== undefined) found.set(name, value);
  }
  return found.size === 0 ? undefined : found;
}

function check(node: TreeNode, now: { ino: number; size: number; ctimeMs: number | undefined }): void {
  const same = now.ino === node.ino && (node.type !== 'file' || now.size === node.size);
  if (!same || (now.ctimeMs !== undefined && now.ctimeMs !== node.ctimeMs)) throw changed(node.path);
}

function opened<T>(path: BytePath, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR') throw changed(path);
    throw new SubpipeError('FAILED', `cannot read ${shown(path)}`, { cause });
  }
}
