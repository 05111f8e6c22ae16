import { createHash, type Hash } from 'node:crypto';
import { SubpipeError } from '../errors.ts';
import { asDigest, type Digest } from '../oci/digest.ts';
import { opaqueName, whiteoutPrefix } from './changes.ts';
import { type LayerSource, readLayer } from './extract.ts';
import { type BytePath, entryPath, join, nameOf, parentOf } from './path.ts';
import type { TarHeader } from './tar-header.ts';
import type { TarVisitor } from './tar-parser.ts';

/** Something in a layer, with the digest of a file's content. A hardlink has its file's. */
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

/** Reads a layer for what is in it; nothing is written. @throws SubpipeError `FAILED` when it is damaged. */
export async function indexLayer(
  layer: LayerSource,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<LayerIndex> {
  const indexer = new Indexer(layer.name);
  await readLayer(layer, indexer, options);
  return indexer;
}

/** What several layers say together, the lowest first (image-spec, layer.md "Applying Changesets"). */
export function stackIndexes(indexes: readonly LayerIndex[]): LayerIndex {
  const all: LayerIndex = { puts: new Map(), removed: new Set(), emptied: new Set() };
  for (const { puts, removed, emptied } of indexes) {
    for (const path of emptied) {
      dropBelow(all.puts, path);
      all.emptied.add(path);
    }
    for (const path of removed) {
      dropBelow(all.puts, path);
      all.puts.delete(path);
      all.removed.add(path);
    }
    for (const [path, entry] of puts) {
      if (entry.header.type !== 'folder') dropBelow(all.puts, path);
      all.puts.set(path, entry);
    }
  }
  return all;
}

function dropBelow(puts: Map<BytePath, IndexEntry>, folder: BytePath): void {
  const known = puts.get(folder);
  if (folder !== '' && known !== undefined && known.header.type !== 'folder') return;
  const prefix = folder === '' ? '' : `${folder}/`;
  for (const path of puts.keys()) if (path.startsWith(prefix)) puts.delete(path);
}

class Indexer implements TarVisitor, LayerIndex {
  readonly puts = new Map<BytePath, IndexEntry>();
  readonly removed = new Set<BytePath>();
  readonly emptied = new Set<BytePath>();
  readonly #source: string;
  #file: { entry: IndexEntry; hash: Hash; at: number } | undefined;

  constructor(source: string) {
    this.#source = source;
  }

  entry(header: TarHeader): void {
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
