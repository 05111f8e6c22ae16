import { Buffer } from 'node:buffer';
import { closeSync, constants, lstatSync, openSync, readlinkSync } from 'node:fs';
import process from 'node:process';
import { SubpipeError } from '../../errors.ts';
import { type BytePath, isDirectlyIn, locator, nameOf, parentOf, rootPath, shown } from '../path.ts';

// Who else has the volume mounted can put a link in the place of a folder at any moment, and a path would lead through it.
// What is held open is what it was. Only Linux can name what is below a folder that is held open; elsewhere it is the path.

/** A folder, and no link to one. */
export const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Folders that are open at a time: most tars go from one to the next. */
const most = 32;

const canHold = process.platform === 'linux' && lstatSync('/proc/self/fd', { throwIfNoEntry: false }) !== undefined;

/** A folder that is held open. `path` stays the same folder, whatever comes in its place. */
export class HeldFolder implements Disposable {
  readonly path: string;
  readonly #fd: number | undefined;
  readonly #place: string | undefined;

  /** @throws what opening it fails of, also where it is a link. */
  constructor(path: string | Buffer) {
    this.#fd = canHold ? openSync(path, folderFlags) : undefined;
    this.path = this.#fd === undefined ? path.toString() : `/proc/self/fd/${this.#fd}`;
    this.#place = this.#fd === undefined ? undefined : placeOf(this.#fd);
  }

  /** @throws SubpipeError `FAILED` where it is no longer where it was. */
  check(): void {
    if (this.#fd !== undefined && placeOf(this.#fd) !== this.#place) throw moved(this.#place ?? this.path);
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}

/** Where things below a folder are, by paths that no link leads out of: their own folders are held open. */
export class Inside implements Disposable {
  readonly #plain: (path: BytePath) => string | Buffer;
  readonly #root: number | undefined;
  /** Those used last at the end. */
  readonly #open = new Map<BytePath, number>();
  /** The beginning of paths in the folder that was asked for last. */
  #last: { folder: BytePath; prefix: string } | undefined;

  constructor(root: string) {
    this.#plain = locator(root);
    this.#root = canHold ? openSync(`${root}/.`, folderFlags) : undefined;
  }

  /**
   * What Node's fs takes for a path, for use at once. A link at the path itself may be followed: that is up to the call.
   * @throws SubpipeError `FAILED` where the folder that it is in is no folder any more.
   */
  at(path: BytePath): string | Buffer {
    if (this.#root === undefined) return this.#plain(path);
    const last = this.#last;
    if (last !== undefined && isDirectlyIn(path, last.folder)) {
      return pathOf(last.prefix, path.slice(last.folder === '' ? 0 : last.folder.length + 1));
    }
    const folder = parentOf(path);
    const prefix = `/proc/self/fd/${this.#hold(folder)}/`;
    this.#last = { folder, prefix };
    return pathOf(prefix, path === '' ? '.' : nameOf(path));
  }

  /** Calls `use` with a folder, open. @throws SubpipeError `FAILED` where it is no folder any more. */
  withFolder(path: BytePath, use: (fd: number) => void): void {
    if (this.#root !== undefined) {
      use(this.#hold(path));
      return;
    }
    const fd = openSync(this.#plain(path), folderFlags);
    try {
      use(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** Of a folder, and of what is in it, nothing stays open: it is removed, or looked for anew. */
  forget(path: BytePath): void {
    this.#last = undefined;
    for (const [folder, fd] of this.#open) {
      if (path !== '' && folder !== path && !folder.startsWith(`${path}/`)) continue;
      this.#open.delete(folder);
      closeSync(fd);
    }
  }

  [Symbol.dispose](): void {
    this.forget(rootPath);
    if (this.#root !== undefined) closeSync(this.#root);
  }

  #hold(folder: BytePath): number {
    if (folder === '') return this.#root ?? -1;
    const known = this.#open.get(folder);
    const fd = known ?? this.#openIn(this.#hold(parentOf(folder)), folder);
    if (known !== undefined) this.#open.delete(folder);
    this.#open.set(folder, fd);
    const [oldest] = this.#open;
    if (oldest !== undefined && this.#open.size > most) {
      this.#open.delete(oldest[0]);
      closeSync(oldest[1]);
    }
    return fd;
  }

  #openIn(parent: number, folder: BytePath): number {
    try {
      return openSync(pathOf(`/proc/self/fd/${parent}/`, nameOf(folder)), folderFlags);
    } catch (cause) {
      throw moved(folder, cause);
    }
  }
}

/** What Node's fs takes for bytes as characters: ASCII needs no buffer. */
function pathOf(prefix: string, name: string): string | Buffer {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) > 0x7f) return Buffer.from(prefix + name, 'latin1');
  return prefix + name;
}

/** Bytes as characters, see BytePath. */
function placeOf(fd: number): string {
  return readlinkSync(`/proc/self/fd/${fd}`, 'latin1');
}

/** The error for a folder that is no longer what it was. */
export function moved(folder: string, cause?: unknown): SubpipeError {
  return new SubpipeError('FAILED', `something else has moved or replaced the folder ${shown(folder)}`, {
    cause,
    hint: 'Stop what writes into the workspace while it is pulled (a sidecar, a process in the background).',
  });
}
