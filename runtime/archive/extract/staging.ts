import type { Buffer } from 'node:buffer';
import { lchownSync, linkSync, mkdirSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { SubpipeError } from '../../errors.ts';
import type { Meters } from '../limits.ts';
import { type BytePath, fromLatin1, isDirectlyIn, parentOf, rootPath, shown, toBytes } from '../path.ts';
import type { TarHeader } from '../tar/header.ts';
import { compareAsScanned, lookAt } from '../tree/looks.ts';
import { Snapshot, setLooks, setNode, width } from '../tree/snapshot.ts';
import type { Aside } from './aside.ts';
import { give, lookWidth } from './batch.ts';
import { FileWriter } from './file-writer.ts';
import { batchOf, type Folder, type FolderTraits, finishFolders, folderNumbers } from './folders.ts';
import { Inside } from './inside.ts';
import { setTime, type TraitOptions, Traits } from './traits.ts';
import { probeUmask } from './umask.ts';

/** What a path is: a file by its number for {@link FileWriter.looks}, or one of these. */
const folder = -1;
const symlink = -2;
const otherFile = -3;

/** Folders from which on another thread finishes half of them. */
const worthHalf = 256;

/**
 * Writes a tree into an empty folder. Everything is created and nothing is opened that was there: a path is only used
 * below folders that this object has made itself and that still are what they were, so no link leads out.
 */
export class Staging {
  readonly #inside: Inside;
  readonly #traits: Traits;
  readonly #files: FileWriter;
  readonly #made = new Map<BytePath, number>();
  readonly #folders = new Map<BytePath, TarHeader>();
  readonly #aside: Aside | undefined;
  /** Where {@link #folderLooks} has a folder, which tells how it looks in the end. */
  readonly #seen = new Map<BytePath, number>();
  #folderLooks: Float64Array = new Float64Array();
  /** A folder that is there: most things in a tar are beside each other. */
  #parent: BytePath | undefined;
  /** The file that is being written. */
  #current: BytePath | undefined;
  /** To be made when their files are there. */
  #links: { path: BytePath; target: BytePath }[] = [];
  /** What each symlink was made of, for its other names. */
  readonly #symlinks = new Map<BytePath, TarHeader>();
  /** Files with several names: the last link changes how they look. */
  readonly #linked = new Set<BytePath>();

  /** @param aside for the same folder. Default: this thread writes all. */
  constructor(folder: string, meters: Meters, options: TraitOptions, aside?: Aside) {
    this.#inside = new Inside(folder);
    this.#traits = new Traits(options, probeUmask(`${folder}/.umask`));
    this.#aside = aside;
    this.#files = new FileWriter((path) => this.#inside.at(path), this.#traits, meters, aside);
  }

  kindOf(path: BytePath): 'folder' | 'file' | 'symlink' | undefined {
    const made = this.#made.get(path);
    if (made === undefined) return undefined;
    return made === folder ? 'folder' : made === symlink ? 'symlink' : 'file';
  }

  /** A folder; its mode, owner and times are set by {@link finish}. The first header told counts, or the last with `again`. */
  folder(path: BytePath, header: TarHeader, again: boolean): void {
    if (path === '') return;
    if (this.#made.get(path) !== folder) this.#makeFolder(path, header);
    if (again || !this.#folders.has(path)) this.#folders.set(path, header);
  }

  /** What a folder is that may come to be for what is in it, now or later. The first header told counts. */
  folderAbove(path: BytePath, header: TarHeader): void {
    if (!this.#folders.has(path)) this.#folders.set(path, header);
  }

  /** Begins a file: `write` its content, then `endFile`. */
  startFile(path: BytePath, header: TarHeader): void {
    this.#makeRoom(path);
    this.#current = path;
    this.#files.start(path, header);
  }

  /** @param bytes stay as they are until {@link flush}. */
  write(bytes: Buffer, at: number): void {
    this.#files.write(bytes, at);
  }

  endFile(): void {
    const number = this.#files.end();
    if (this.#current !== undefined) this.#made.set(this.#current, number ?? otherFile);
    this.#current = undefined;
  }

  /** The piece of tar is over: its memory may be gone now. */
  flush(): void {
    this.#files.flush();
  }

  symlink(path: BytePath, header: TarHeader): void {
    const target = header.target ?? '';
    if (target === '' || target.includes('\0')) {
      throw new SubpipeError('FAILED', `${shown(path)} is a symlink that points nowhere`);
    }
    this.#makeRoom(path);
    const full = this.#inside.at(path);
    symlinkSync(toBytes(fromLatin1(target)), full);
    this.#made.set(path, symlink);
    this.#symlinks.set(path, header);
    const owner = this.#traits.ownerOf(header);
    if (owner !== undefined) give(() => lchownSync(full, owner.uid, owner.gid));
    setTime(full, header.mtime, header.nanoseconds);
  }

  /** One more name for a file or symlink that this object has made. A symlink is made again: link(2) may follow one. */
  link(path: BytePath, target: BytePath): void {
    const linked = this.kindOf(target) === 'symlink' ? this.#symlinks.get(target) : undefined;
    if (linked !== undefined) {
      this.symlink(path, linked);
      return;
    }
    this.#makeRoom(path);
    this.#links.push({ path, target });
    this.#made.set(path, otherFile);
    this.#linked.add(target);
  }

  /** All that was told so far is in the folder. */
  #settle(): void {
    this.#files.settle();
    for (const { path, target } of this.#links) linkSync(this.#inside.at(target), this.#inside.at(path));
    this.#links = [];
  }

  /** Sets modes, owners and times of folders. */
  finish(): void {
    this.#settle();
    // From here on each is what is there now.
    this.#inside.forget(rootPath);
    const found: Folder[] = [];
    for (const [path, kind] of this.#made) {
      if (kind === folder) found.push({ path, traits: this.#traitsOf(path, this.#folders.get(path)) });
    }
    // What is in a folder that nobody may enter is finished before the folder is: the deepest first, and those last.
    found.sort((one, two) => (one.path < two.path ? 1 : -1));
    const isOpen = ({ traits }: Folder): boolean => (traits.mode & 0o700) === 0o700;
    const open = found.filter(isOpen);
    const all = [...open, ...found.filter((one) => !isOpen(one))];
    const numbers = folderNumbers(all);
    const isShared = this.#aside !== undefined && open.length >= worthHalf;
    const own = isShared ? open.length >> 1 : open.length;
    if (isShared) this.#aside?.finish(batchOf(all, numbers, own, open.length));
    finishFolders(this.#inside, batchOf(all, numbers, 0, own));
    this.#aside?.settle();
    finishFolders(this.#inside, batchOf(all, numbers, open.length, all.length));
    all.forEach(({ path }, place) => {
      this.#seen.set(path, place);
    });
    this.#folderLooks = numbers;
  }

  #traitsOf(path: BytePath, header: TarHeader | undefined): FolderTraits {
    if (header?.attributes !== undefined) this.#inside.withFolder(path, (fd) => this.#traits.setAttributes(fd, header));
    const owner = header === undefined ? undefined : this.#traits.ownerOf(header);
    return { mode: this.#traits.folderMode(header), owner, time: header };
  }

  /** Nothing more is written, and nothing is open: also after a failure. */
  abandon(): void {
    this.#files.abandon();
    this.#inside[Symbol.dispose]();
  }

  /** How all looks that was made, in the order of a scan. After {@link finish}. */
  looks(): Snapshot {
    const looks = this.#files.looks();
    const paths = [...this.#made.keys()];
    const kinds = [...this.#made.values()];
    const at = (place: number): BytePath => paths[place] ?? rootPath;
    const order = paths.map((_, place) => place).sort((one, two) => compareAsScanned(at(one), at(two)));
    const numbers = new Float64Array(order.length * width);
    order.forEach((from, place) => {
      const path = at(from);
      const kind = kinds[from] ?? otherFile;
      const seen = kind === folder ? this.#seen.get(path) : undefined;
      if (seen !== undefined) setLooks(numbers, place, 'folder', this.#folderLooks, seen * lookWidth);
      else if (kind >= 0 && !this.#linked.has(path)) setLooks(numbers, place, 'file', looks, kind * lookWidth);
      else setNode(numbers, place, lookAt(this.#inside.at(path), path));
    });
    return new Snapshot(order.map(at), numbers);
  }

  #makeFolder(path: BytePath, header?: TarHeader): void {
    this.#makeRoom(path);
    mkdirSync(this.#inside.at(path), (this.#traits.folderMode(header) & 0o777) | 0o700);
    this.#made.set(path, folder);
  }

  /** Parents are there, and the place is free: in a tar, the later of two entries wins. */
  #makeRoom(path: BytePath): void {
    if (this.#parent === undefined || !isDirectlyIn(path, this.#parent)) {
      const parent = parentOf(path);
      const kind = parent === '' ? folder : this.#made.get(parent);
      if (kind === undefined) this.#makeFolder(parent);
      else if (kind !== folder) {
        const what = this.kindOf(parent);
        throw new SubpipeError('FAILED', `${shown(path)} is said to be below ${shown(parent)}, which is a ${what}`);
      }
      this.#parent = parent;
    }
    const kind = this.#made.get(path);
    if (kind === undefined) return;
    this.#settle();
    this.#parent = undefined;
    if (kind === folder) {
      rmSync(this.#inside.at(path), { recursive: true });
      this.#inside.forget(path);
      for (const below of this.#made.keys()) if (below.startsWith(`${path}/`)) this.#made.delete(below);
      for (const below of this.#folders.keys()) if (below.startsWith(`${path}/`)) this.#folders.delete(below);
      this.#folders.delete(path);
    } else unlinkSync(this.#inside.at(path));
    this.#made.delete(path);
  }
}
