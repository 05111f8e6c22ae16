import { Buffer } from 'node:buffer';
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { SubpipeError } from '../errors.ts';
import { type Aside, createFlags, smallFile } from './aside.ts';
import { type Libc, loadLibc } from './libc.ts';
import type { Meters } from './limits.ts';
import { type BytePath, fromLatin1, locator, parentOf, shown, toBytes } from './path.ts';
import type { TarHeader } from './tar-header.ts';
import { probeUmask } from './umask.ts';
import { isKept } from './write-tree.ts';

export interface StagingOptions {
  /** Whose the files are. Default `self`: who runs this. `keep` needs root. */
  owner?: 'self' | 'keep' | { uid: number; gid: number };
  /** `keep` (default), or `group`: the group may do what the owner may, as OpenShift's arbitrary users need. */
  mode?: 'keep' | 'group';
  /** Default true. */
  attributes?: boolean;
  /** Told once for each kind of loss. */
  warn?: ((message: string) => void) | undefined;
}

/** Runs of zeros of this many bytes, aligned, are not written: they become holes. */
const hole = 64 * 1024;
const zeros = Buffer.alloc(hole);

/**
 * Writes a tree into an empty folder that nobody else can enter. Everything is created and nothing is opened that was
 * there: a path is only used below folders that this object has made itself, so no link leads out.
 */
export class Staging {
  readonly #at: (path: BytePath) => string | Buffer;
  readonly #options: StagingOptions;
  readonly #meters: Meters;
  readonly #libc: Libc | undefined;
  readonly #umask: number;
  readonly #made = new Map<BytePath, 'folder' | 'file' | 'symlink'>();
  readonly #folders = new Map<BytePath, TarHeader>();
  readonly #warned = new Set<string>();
  #file: { fd: number; header: TarHeader; path: BytePath; end: number } | undefined;
  readonly #aside: Aside | undefined;
  /** To be made when their files are there. */
  #links: { path: BytePath; target: BytePath }[] = [];

  /** @param aside for the same folder: writes small files. Default: this thread does. */
  constructor(folder: string, meters: Meters, options: StagingOptions, aside?: Aside) {
    this.#at = locator(folder);
    this.#aside = aside;
    this.#meters = meters;
    this.#options = options;
    this.#libc = loadLibc();
    this.#umask = probeUmask(`${folder}/.umask`);
  }

  kindOf(path: BytePath): 'folder' | 'file' | 'symlink' | undefined {
    return this.#made.get(path);
  }

  /** A folder; its mode, owner and times are set by {@link finish}. The first header told counts, or the last with `again`. */
  folder(path: BytePath, header: TarHeader, again: boolean): void {
    if (path === '') return;
    if (this.#made.get(path) !== 'folder') this.#makeFolder(path);
    if (again || !this.#folders.has(path)) this.#folders.set(path, header);
  }

  /** Begins a file: `write` its content, then `endFile`. */
  startFile(path: BytePath, header: TarHeader): void {
    this.#makeRoom(path);
    if (this.#aside !== undefined && this.#isSimple(header)) {
      const { size, mtime, nanoseconds } = header;
      const mode = this.#modeOf(header);
      this.#aside.startFile(path, { size, mode, setsMode: this.#losesMode(mode), mtime, nanoseconds });
      this.#made.set(path, 'file');
      return;
    }
    const fd = openSync(this.#at(path), createFlags, this.#modeOf(header) & 0o777);
    this.#made.set(path, 'file');
    this.#file = { fd, header, path, end: 0 };
  }

  /** Whether a name, content, mode and time is all there is to it. */
  #isSimple(header: TarHeader): boolean {
    const { size, attributes, parts } = header;
    return size < smallFile && attributes === undefined && parts === undefined && this.#ownerOf(header) === undefined;
  }

  #losesMode(mode: number): boolean {
    return (mode & 0o777 & ~this.#umask) !== mode;
  }

  write(bytes: Buffer, at: number): void {
    if (this.#aside?.isOpen === true) {
      this.#meters.written(bytes.length);
      this.#aside.write(bytes);
      return;
    }
    const file = this.#file;
    if (file === undefined) return;
    if (file.header.size < 2 * hole) {
      this.#writeAll(file, bytes, at);
      return;
    }
    // Pieces that begin and end where holes can, so that each is a hole or is not.
    for (let from = 0; from < bytes.length; ) {
      let to = Math.min(bytes.length, from + hole - ((at + from) % hole));
      const isHole = isZero(bytes, from, to);
      while (to < bytes.length && isZero(bytes, to, Math.min(bytes.length, to + hole)) === isHole) {
        to = Math.min(bytes.length, to + hole);
      }
      if (!isHole) this.#writeAll(file, bytes.subarray(from, to), at + from);
      from = to;
    }
  }

  #writeAll(file: { fd: number; end: number }, bytes: Buffer, at: number): void {
    this.#meters.written(bytes.length);
    for (let from = 0; from < bytes.length; ) {
      from += writeSync(file.fd, bytes, from, bytes.length - from, at + from === file.end ? null : at + from);
    }
    // A position of null writes on from where the file is; another position does not move it.
    if (at === file.end) file.end += bytes.length;
    else file.end = -1;
  }

  endFile(): void {
    if (this.#aside?.isOpen === true) this.#aside.endFile();
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    const { fd, header } = file;
    try {
      if (file.end !== header.size) ftruncateSync(fd, header.size);
      const mode = this.#modeOf(header);
      const owner = this.#ownerOf(header);
      if (owner !== undefined) this.#chown(() => fchownSync(fd, owner.uid, owner.gid));
      if (owner !== undefined || this.#losesMode(mode)) fchmodSync(fd, mode);
      this.#setAttributes(fd, header);
      if (this.#libc?.setFileTime(fd, header.mtime, header.nanoseconds) !== true) {
        const time = header.mtime + header.nanoseconds / 1e9;
        futimesSync(fd, time, time);
      }
    } finally {
      closeSync(fd);
    }
  }

  symlink(path: BytePath, header: TarHeader): void {
    const target = header.target ?? '';
    if (target === '' || target.includes('\0')) {
      throw new SubpipeError('FAILED', `${shown(path)} is a symlink that points nowhere`);
    }
    this.#makeRoom(path);
    const full = this.#at(path);
    symlinkSync(toBytes(fromLatin1(target)), full);
    this.#made.set(path, 'symlink');
    const owner = this.#ownerOf(header);
    if (owner !== undefined) this.#chown(() => lchownSync(full, owner.uid, owner.gid));
    this.#setTime(full, header);
  }

  /** One more name for a file that this object has made. */
  link(path: BytePath, target: BytePath): void {
    this.#makeRoom(path);
    this.#links.push({ path, target });
    this.#made.set(path, 'file');
    if (this.#aside === undefined) this.#settle();
  }

  /** All that was told so far is in the folder. */
  #settle(): void {
    this.#aside?.settle();
    for (const { path, target } of this.#links) linkSync(this.#at(target), this.#at(path));
    this.#links = [];
  }

  /** Sets modes, owners and times of folders, the deepest first. */
  finish(): void {
    this.#settle();
    for (const path of [...this.#made.keys()]
      .filter((path) => this.#made.get(path) === 'folder')
      .sort()
      .reverse()) {
      const header = this.#folders.get(path);
      const full = this.#at(path);
      if (header === undefined) {
        chmodSync(full, 0o777 & ~this.#umask);
        continue;
      }
      const owner = this.#ownerOf(header);
      if (owner !== undefined) this.#chown(() => lchownSync(full, owner.uid, owner.gid));
      if (header.attributes !== undefined) {
        const fd = openSync(full, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
        this.#setAttributes(fd, header);
        closeSync(fd);
      }
      chmodSync(full, this.#modeOf(header));
      this.#setTime(full, header);
    }
  }

  /** After a failure: closes what is open. */
  abandon(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    this.#file = undefined;
  }

  #makeFolder(path: BytePath): void {
    this.#makeRoom(path);
    mkdirSync(this.#at(path), 0o700);
    this.#made.set(path, 'folder');
  }

  /** Parents are there, and the place is free: in a tar, the later of two entries wins. */
  #makeRoom(path: BytePath): void {
    const parent = parentOf(path);
    if (parent !== '') {
      const kind = this.#made.get(parent);
      if (kind === undefined) this.#makeFolder(parent);
      else if (kind !== 'folder') {
        throw new SubpipeError('FAILED', `${shown(path)} is said to be below ${shown(parent)}, which is a ${kind}`);
      }
    }
    const kind = this.#made.get(path);
    if (kind === undefined) return;
    this.#settle();
    if (kind === 'folder') {
      rmSync(this.#at(path), { recursive: true });
      for (const below of this.#made.keys()) if (below.startsWith(`${path}/`)) this.#made.delete(below);
      for (const below of this.#folders.keys()) if (below.startsWith(`${path}/`)) this.#folders.delete(below);
      this.#folders.delete(path);
    } else unlinkSync(this.#at(path));
    this.#made.delete(path);
  }

  #modeOf({ mode }: TarHeader): number {
    return this.#options.mode === 'group' ? mode | ((mode & 0o700) >> 3) : mode;
  }

  #ownerOf(header: TarHeader): { uid: number; gid: number } | undefined {
    const { owner = 'self' } = this.#options;
    if (owner === 'self') return undefined;
    return owner === 'keep' ? { uid: header.uid, gid: header.gid } : owner;
  }

  #chown(set: () => void): void {
    try {
      set();
    } catch (cause) {
      throw new SubpipeError('FAILED', 'the owner of a file cannot be set', {
        cause,
        hint: 'Only root may give files to others: run as root, or leave the files to who runs the step.',
      });
    }
  }

  #setTime(full: string | Buffer, header: TarHeader): void {
    if (this.#libc?.setTime(full, header.mtime, header.nanoseconds) === true) return;
    const time = header.mtime + header.nanoseconds / 1e9;
    lutimesSync(full, time, time);
  }

  #setAttributes(fd: number, header: TarHeader): void {
    if (this.#options.attributes === false) return;
    for (const [name, value] of header.attributes ?? []) {
      if (!isKept(name) || this.#libc?.set(fd, name, value) === true || this.#warned.has(name)) continue;
      this.#warned.add(name);
      this.#options.warn?.(`the extended attribute ${name} cannot be set here: it is lost`);
    }
  }
}

function isZero(bytes: Buffer, from: number, to: number): boolean {
  return bytes[from] === 0 && bytes.compare(zeros, 0, to - from, from, to) === 0;
}
