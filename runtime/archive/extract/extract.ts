import { SubpipeError } from '../../errors.ts';
import type { EntryKind } from '../layer/frame-map.ts';
import { type LayerSource, readLayer } from '../layer/read-layer.ts';
import { type Limits, Meters } from '../limits.ts';
import { type BytePath, entryPath, join, nameOf, parentOf, shown } from '../path.ts';
import type { TarHeader } from '../tar/header.ts';
import type { TarVisitor } from '../tar/parser.ts';
import { opaqueName, whiteoutPrefix } from '../tree/changes.ts';
import type { Snapshot } from '../tree/snapshot.ts';
import { Aside } from './aside.ts';
import { Claims } from './claims.ts';
import { missing, readLinked } from './linked.ts';
import { Staging } from './staging.ts';
import type { TraitOptions } from './traits.ts';

export interface ExtractOptions extends TraitOptions {
  /** What is wanted; a folder that is not, may have something that is. Default: all. */
  select?: ((path: BytePath) => boolean) | undefined;
  /** Folders that are not wanted themselves: what is read of them all the same, they get where something in them is put. */
  above?: ReadonlySet<BytePath>;
  limits?: Partial<Limits>;
  /** Bytes of layers from which on another thread writes too. Default 4 MiB. */
  asideFrom?: number;
  /** Also tell how all looks in the end. Default false. */
  looks?: boolean;
  /** Called now and then with bytes of tar, and things in it, read so far, of all layers. */
  progress?: (bytes: number, entries: number) => void;
  signal?: AbortSignal | undefined;
}

/** Bytes, packed: a thread takes 50 ms to start. */
const worthAThread = 4 * 2 ** 20;

/** A layer, and which of its entries count where not the order of the layers decides (a merge). */
export interface Stage {
  layer: LayerSource;
  /** With it, the order of layers does not decide, and whiteouts are not looked at. */
  accept?: ((path: BytePath) => boolean) | undefined;
}

export interface Extracted {
  /** Things in the tree's layers that are now in the folder. */
  entries: number;
  /** Bytes written. */
  bytes: number;
  /** With `looks`: how all looks now, for {@link looksMoved}. */
  looks: Snapshot | undefined;
}

/**
 * Unpacks layers, the lowest first, into an empty folder that nobody else can enter. Nothing is written anywhere else,
 * no devices are made, limits hold. What it leaves behind when it fails is the caller's to remove.
 *
 * @param removed paths that are gone by a merge: nothing of them comes from stages without `accept`.
 * @throws SubpipeError `FAILED` when a layer is damaged or hostile, or more than the limits.
 */
export async function extractLayers(
  stages: readonly Stage[],
  folder: string,
  options: ExtractOptions = {},
  removed: { removed: Iterable<BytePath>; emptied: Iterable<BytePath> } = { removed: [], emptied: [] },
): Promise<Extracted> {
  const meters = new Meters(options.limits);
  const size = stages.reduce((sum, { layer }) => sum + layer.size, 0);
  await using aside = size < (options.asideFrom ?? worthAThread) ? undefined : Aside.start(folder);
  const staging = new Staging(folder, meters, options, aside);
  const claims = new Claims();
  const later: { path: BytePath; target: BytePath; source: string }[] = [];
  let bytes = 0;
  let told = false;
  let looks: Snapshot | undefined;
  try {
    for (const stage of stages.toReversed()) {
      if (stage.accept === undefined && !told) {
        told = true;
        claims.add({ puts: [], ...removed });
      }
      const reader = new LayerReader(stage, staging, claims, meters, options);
      // All of a layer where all is wanted: then it is verified as a whole.
      const isPart = options.select !== undefined || stage.accept !== undefined;
      const needs = isPart ? (path: BytePath, type: EntryKind) => reader.needs(path, type) : undefined;
      await readLayer(stage.layer, reader, { ...options, needs }, (count) => {
        bytes += count;
        meters.read(count);
        options.progress?.(bytes, meters.entries);
      });
      await readLinked(stage.layer, reader.wanted, staging, options.signal);
      later.push(...reader.later);
      // What a merge takes away is told by `removed`: a mark may be one that the same image has taken back above.
      if (stage.accept !== undefined) claims.add({ puts: reader.puts, removed: [], emptied: [] });
      else if (stage !== stages[0]) claims.add(reader);
    }
    for (const { path, target, source } of later) {
      if (!isLinkable(staging.kindOf(target))) throw missing(source, path, target);
      staging.link(path, target);
    }
    staging.finish();
    looks = options.looks === true ? staging.looks() : undefined;
  } finally {
    staging.abandon();
  }
  return { entries: meters.entries, bytes: meters.bytes, looks };
}

/** Puts what the layers above leave of one layer in its place, and notes what it says for the layers below. */
class LayerReader implements TarVisitor {
  readonly puts = new Map<BytePath, 'folder' | 'other'>();
  readonly removed = new Set<BytePath>();
  readonly emptied = new Set<BytePath>();
  /** Files that are not put where they are, but under other names of theirs. */
  readonly wanted = new Map<BytePath, BytePath[]>();
  /** Links to files of lower layers. */
  readonly later: { path: BytePath; target: BytePath; source: string }[] = [];
  /** Files not put, and where hardlinks that were not put point. */
  readonly #passed = new Map<BytePath, BytePath>();
  /** Symlinks not put. */
  readonly #passedLinks = new Map<BytePath, TarHeader>();
  readonly #stage: Stage;
  readonly #staging: Staging;
  readonly #claims: Claims;
  readonly #meters: Meters;
  readonly #options: ExtractOptions;
  #writing = false;

  constructor(stage: Stage, staging: Staging, claims: Claims, meters: Meters, options: ExtractOptions) {
    this.#stage = stage;
    this.#staging = staging;
    this.#claims = claims;
    this.#meters = meters;
    this.#options = options;
    meters.startLayer(stage.layer);
  }

  entry(header: TarHeader, isOutline = false): void {
    this.#meters.entry(header.size);
    this.#writing = false;
    const { name } = this.#stage.layer;
    const path = entryPath(header.path, name);
    if (this.#isMark(path, name)) return;
    if (path === '' && header.type !== 'folder')
      throw new SubpipeError('FAILED', `${name} has "${shown(header.path)}" as something else than the folder itself`);
    const target = header.type === 'hardlink' ? entryPath(header.target ?? '', name) : undefined;
    const isPut = header.type !== 'other' && this.#isPut(path, header.type);
    if (!isPut) {
      if (header.type === 'other')
        this.#options.warn?.(`${shown(path)} is ${header.what ?? 'something else'}: left out`);
      this.#pass(path, header, target);
    }
    // Also what is not wanted hides what is below; but not what a merge has not taken.
    if (path !== '' && this.#stage.accept?.(path) !== false)
      this.puts.set(path, header.type === 'folder' ? 'folder' : 'other');
    if (isPut) this.#put(path, header, target);
    else if (!isOutline && this.#isAbove(path, header)) this.#staging.folderAbove(path, header);
  }

  data(bytes: Buffer, at: number): void {
    if (this.#writing) this.#staging.write(bytes, at);
  }

  end(): void {
    if (this.#writing) this.#staging.endFile();
    this.#writing = false;
  }

  flush(): void {
    this.#staging.flush();
  }

  /** Whether it is to be in the tree; the layers above are known. */
  needs(path: BytePath, type: EntryKind): boolean {
    return !nameOf(path).startsWith(whiteoutPrefix) && this.#isPut(path, type);
  }

  #isPut(path: BytePath, type: EntryKind): boolean {
    return this.#isFree(path, type) && this.#options.select?.(path) !== false;
  }

  #isAbove(path: BytePath, { type }: TarHeader): boolean {
    return type === 'folder' && this.#options.above?.has(path) === true && this.#isFree(path, type);
  }

  #isFree(path: BytePath, type: EntryKind): boolean {
    const verdict = this.#verdict(path);
    return verdict === 'free' || (verdict === 'implied' && type === 'folder');
  }

  /** It may have other names that are put. Of two entries of a path, the later counts. */
  #pass(path: BytePath, header: TarHeader, target: BytePath | undefined): void {
    const link = target === undefined ? header : this.#passedLinks.get(target);
    if (link?.type === 'symlink') this.#passedLinks.set(path, link);
    else if (this.#passedLinks.size > 0) this.#passedLinks.delete(path);
    if (header.type === 'file') this.#passed.set(path, path);
    if (target !== undefined && link === undefined) this.#passed.set(path, this.#passed.get(target) ?? target);
  }

  #verdict(path: BytePath): 'free' | 'implied' | 'taken' {
    if (this.#stage.accept !== undefined) return this.#stage.accept(path) ? 'free' : 'taken';
    return this.#claims.ask(path);
  }

  #put(path: BytePath, header: TarHeader, target: BytePath | undefined): void {
    switch (header.type) {
      case 'folder':
        this.#staging.folder(path, header, this.#stage.accept === undefined);
        break;
      case 'file':
        if (this.#passed.size > 0) this.#passed.delete(path);
        this.#staging.startFile(path, header);
        this.#writing = true;
        break;
      case 'symlink':
        this.#staging.symlink(path, header);
        break;
      case 'hardlink':
        if (target !== undefined) this.#link(path, target);
        break;
      case 'other':
        break;
      default:
        header.type satisfies never;
    }
  }

  #link(path: BytePath, target: BytePath): void {
    const passed = this.#passed.get(target);
    const symlink = this.#passedLinks.get(target);
    if (symlink !== undefined) this.#staging.symlink(path, symlink);
    else if (passed !== undefined) this.wanted.set(passed, [...(this.wanted.get(passed) ?? []), path]);
    else if (!this.puts.has(target)) this.later.push({ path, target, source: this.#stage.layer.name });
    else if (path !== target && isLinkable(this.#staging.kindOf(target))) this.#staging.link(path, target);
    else throw missing(this.#stage.layer.name, path, target);
  }

  /** image-spec, layer.md "Whiteouts" and "Opaque Whiteout". */
  #isMark(path: BytePath, source: string): boolean {
    if (!path.includes(whiteoutPrefix)) return false;
    const name = nameOf(path);
    if (!name.startsWith(whiteoutPrefix)) return false;
    if (name === opaqueName) this.emptied.add(parentOf(path));
    // Other names of aufs' own are about nothing that is in the tree.
    else if (!name.startsWith('.wh..wh.')) {
      const gone = name.slice(whiteoutPrefix.length);
      if (gone === '' || gone === '.' || gone === '..')
        throw new SubpipeError('FAILED', `${source} has the entry "${shown(path)}", which removes nothing`);
      this.removed.add(join(parentOf(path), gone));
    }
    return true;
  }
}

/** containerd and GNU tar write a symlink's other names as hardlinks too. */
function isLinkable(kind: ReturnType<Staging['kindOf']>): boolean {
  return kind === 'file' || kind === 'symlink';
}
