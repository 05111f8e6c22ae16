import { createHash, type Hash } from 'node:crypto';
import { SubpipeError } from '../../errors.ts';
import { asDigest, type Digest } from '../../oci/digest.ts';
import type { Needs } from '../layer/part.ts';
import { type LayerSource, readLayer } from '../layer/read-layer.ts';
import { type Limits, Meters } from '../limits.ts';
import { isKept } from '../pack/write-tree.ts';
import { type BytePath, entryPath, join, nameOf, parentOf } from '../path.ts';
import type { TarHeader } from '../tar/header.ts';
import type { TarVisitor } from '../tar/parser.ts';
import { opaqueName, whiteoutPrefix } from '../tree/changes.ts';

/** Something in a layer, with the digest of a file's content. A hardlink has its file's, and its attributes; one to a symlink is a symlink. */
export interface IndexEntry {
  path: BytePath;
  header: TarHeader;
  content?: Digest;
}

/** What a layer says, without the content. Of paths that are listed twice, the last. */
export interface LayerIndex {
  puts: Map<BytePath, IndexEntry>;
  removed: Set<BytePath>;
  emptied: Set<BytePath>;
}

/**
 * Reads a layer for what is in it; nothing is written.
 *
 * @param options.select what is asked for: of the rest, the index may have no more than paths and kinds. Default: all.
 * @throws SubpipeError `FAILED` when it is damaged, or more than the limits.
 */
export async function indexLayer(
  layer: LayerSource,
  options: {
    signal?: AbortSignal | undefined;
    limits?: Partial<Limits>;
    select?: ((path: BytePath) => boolean) | undefined;
  } = {},
): Promise<LayerIndex> {
  const { signal, select } = options;
  const meters = new Meters(options.limits);
  meters.startLayer(layer);
  const indexer = new Indexer(layer.name, meters);
  // The content of a link is that of a file that may be anywhere.
  const needs: Needs = (path, type) => select?.(path) !== false && (type !== 'hardlink' || 'all');
  await readLayer(layer, indexer, { signal, ...(select === undefined ? {} : { needs }) }, (bytes) =>
    meters.read(bytes),
  );
  return indexer;
}

/** What several layers say together, the lowest first (image-spec, layer.md "Applying Changesets"). */
export function stackIndexes(indexes: readonly LayerIndex[]): LayerIndex {
  const all: LayerIndex = { puts: new Map(), removed: new Set(), emptied: new Set() };
  for (const index of indexes) {
    const { puts, removed, emptied } = index;
    // Once a layer, not once a path: both may be many.
    for (const path of all.puts.keys()) if (isHiddenBy(path, index)) all.puts.delete(path);
    for (const path of emptied) all.emptied.add(path);
    for (const path of removed) all.removed.add(path);
    const above = new Set<BytePath>();
    for (const [path, entry] of puts) {
      if (entry.header.type !== 'folder' && above.has(path)) dropBelow(all.puts, path);
      // What was in a folder stays gone when what has taken its place is a folder again.
      const before = all.puts.get(path)?.header.type ?? 'folder';
      if (entry.header.type === 'folder' && before !== 'folder') all.removed.add(path);
      all.puts.set(path, entry);
      for (let up = parentOf(path); up !== '' && !above.has(up); up = parentOf(up)) above.add(up);
    }
  }
  return all;
}

/**
 * Whether two entries of a path are the same thing. Times are no difference, nor is which name of a file it is.
 *
 * @param options.anew `a` is of an image that was made from all of a folder: it has owners of its own, and no attributes
 * where those that it was pulled with could not be set.
 */
export function isSameEntry(
  a: IndexEntry | undefined,
  b: IndexEntry | undefined,
  { anew = false }: { anew?: boolean } = {},
): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [one, two] = [a.header, b.header];
  const type = (header: typeof one) => (header.type === 'hardlink' ? 'file' : header.type);
  return (
    type(one) === type(two) &&
    (one.type === 'symlink' || one.mode === two.mode) &&
    (anew || (one.uid === two.uid && one.gid === two.gid)) &&
    a.content === b.content &&
    (one.type !== 'symlink' || one.target === two.target) &&
    (hasSameAttributes(one, two) || (anew && attributesOf(one).size === 0))
  );
}

/** Whether two things have the same extended attributes, of those that a pull sets. */
export function hasSameAttributes(one: HasAttributes, two: HasAttributes): boolean {
  if (one.attributes === two.attributes) return true; // most often, neither has any
  const [these, those] = [attributesOf(one), attributesOf(two)];
  return these.size === those.size && [...these].every(([name, value]) => those.get(name)?.equals(value) === true);
}

type HasAttributes = Pick<TarHeader, 'type' | 'attributes'>;

/** Symlinks get none. */
function attributesOf({ type, attributes = new Map() }: HasAttributes): Map<string, Buffer> {
  return new Map(type === 'symlink' ? [] : [...attributes].filter(([name]) => isKept(name)));
}

/** Whether a path is in one of these folders, at any depth. */
export function isBelow(path: BytePath, folders: ReadonlySet<BytePath>): boolean {
  for (let up = parentOf(path); ; up = parentOf(up)) {
    if (folders.has(up)) return true;
    if (up === '') return false;
  }
}

/** Whether a layer takes away what is below it at `path`: itself, or with a folder above, or by a file in place of one. */
export function isHiddenBy(path: BytePath, { puts, removed, emptied }: LayerIndex): boolean {
  if (removed.has(path)) return true;
  if (path === '') return false;
  for (let up = parentOf(path); ; up = parentOf(up)) {
    if (emptied.has(up) || removed.has(up)) return true;
    if (up === '') return false;
    const put = puts.get(up);
    if (put !== undefined && put.header.type !== 'folder') return true;
  }
}

/** Of a layer that names something as a folder first, and as a file later. */
function dropBelow(puts: Map<BytePath, IndexEntry>, folder: BytePath): void {
  for (const path of puts.keys()) if (path.startsWith(`${folder}/`)) puts.delete(path);
}

class Indexer implements TarVisitor, LayerIndex {
  readonly puts = new Map<BytePath, IndexEntry>();
  readonly removed = new Set<BytePath>();
  readonly emptied = new Set<BytePath>();
  readonly #source: string;
  readonly #meters: Meters;
  #file: { entry: IndexEntry; hash: Hash; at: number } | undefined;

  constructor(source: string, meters: Meters) {
    this.#source = source;
    this.#meters = meters;
  }

  entry(header: TarHeader): void {
    this.#meters.entry(header.size);
    const path = entryPath(header.path, this.#source);
    const name = nameOf(path);
    this.#file = undefined;
    if (name === opaqueName) this.emptied.add(parentOf(path));
    else if (name.startsWith(whiteoutPrefix)) {
      if (!name.startsWith('.wh..wh.')) this.removed.add(join(parentOf(path), name.slice(whiteoutPrefix.length)));
    } else if (path !== '' && header.type !== 'other') this.#add({ path, header });
  }

  #add(entry: IndexEntry): void {
    const { header, path } = entry;
    this.puts.set(path, entry);
    if (header.type === 'file') this.#file = { entry, hash: createHash('sha256'), at: 0 };
    if (header.type !== 'hardlink') return;
    const file = this.puts.get(entryPath(header.target ?? '', this.#source));
    if (file?.content !== undefined) entry.content = file.content;
    if (file?.header.attributes !== undefined) entry.header = { ...header, attributes: file.header.attributes };
    if (file?.header.type === 'symlink') this.puts.set(path, { path, header: { ...file.header, path: header.path } });
  }

  data(bytes: Buffer, at: number): void {
    if (this.#file === undefined) return;
    fillHole(this.#file, at);
    this.#file.hash.update(bytes);
    this.#file.at += bytes.length;
  }

  end(): void {
    if (this.#file === undefined) return;
    fillHole(this.#file, this.#file.entry.header.size);
    this.#file.entry.content = asDigest(this.#file.hash);
  }
}

const zeros = Buffer.alloc(64 * 1024);

function fillHole(file: { hash: Hash; at: number }, to: number): void {
  if (to > 2 ** 44) throw new SubpipeError('FAILED', `a sparse file of ${to} bytes is too large`);
  while (file.at < to) {
    const length = Math.min(zeros.length, to - file.at);
    file.hash.update(zeros.subarray(0, length));
    file.at += length;
  }
}
