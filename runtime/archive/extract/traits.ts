import type { Buffer } from 'node:buffer';
import { fchmodSync, fchownSync, lutimesSync } from 'node:fs';
import { loadLibc } from '../libc.ts';
import { isKept } from '../pack/write-tree.ts';
import type { TarHeader } from '../tar/header.ts';
import { give, setFileTime, timeFor } from './batch.ts';

export interface TraitOptions {
  /** Whose the files are. Default `self`: who runs this. `keep` needs root. */
  owner?: 'self' | 'keep' | { uid: number; gid: number };
  /** `keep` (default), or `group`: the group may do what the owner may, as OpenShift's arbitrary users need. */
  mode?: 'keep' | 'group';
  /** Default true. */
  attributes?: boolean;
  /** Told once for each kind of loss. */
  warn?: ((message: string) => void) | undefined;
}

/** What things get besides their content: mode, owner, extended attributes and time. */
export class Traits {
  readonly #options: TraitOptions;
  readonly #umask: number;
  readonly #warned = new Set<string>();

  /** @param umask of this process. */
  constructor(options: TraitOptions, umask: number) {
    this.#options = options;
    this.#umask = umask;
  }

  modeOf({ mode }: TarHeader): number {
    return this.#options.mode === 'group' ? mode | ((mode & 0o700) >> 3) : mode;
  }

  /** Undefined where it is who runs this. */
  ownerOf({ uid, gid }: TarHeader): { uid: number; gid: number } | undefined {
    const { owner = 'self' } = this.#options;
    if (owner === 'self') return undefined;
    return owner === 'keep' ? { uid, gid } : owner;
  }

  /** A folder's mode, also of one that no header speaks of. */
  folderMode(header: TarHeader | undefined): number {
    return header === undefined ? 0o777 & ~this.#umask : this.modeOf(header);
  }

  /** Whether a file has another mode by then than it was made with: a umask, `open` or a new owner takes bits away. */
  losesMode(header: TarHeader): boolean {
    const mode = this.modeOf(header);
    return (mode & 0o777 & ~this.#umask) !== mode || this.ownerOf(header) !== undefined;
  }

  /** All of a file's, once its content is there. */
  setFile(fd: number, header: TarHeader): void {
    const owner = this.ownerOf(header);
    if (owner !== undefined) give(() => fchownSync(fd, owner.uid, owner.gid));
    if (this.losesMode(header)) fchmodSync(fd, this.modeOf(header));
    this.setAttributes(fd, header);
    setFileTime(fd, header.mtime, header.nanoseconds);
  }

  setAttributes(fd: number, header: TarHeader): void {
    if (this.#options.attributes === false) return;
    for (const [name, value] of header.attributes ?? []) {
      if (!isKept(name) || loadLibc()?.set(fd, name, value) === true || this.#warned.has(name)) continue;
      this.#warned.add(name);
      this.#options.warn?.(`the extended attribute ${name} cannot be set here: it is lost`);
    }
  }
}

/** Of a folder or symlink, by its path. */
export function setTime(full: string | Buffer, mtime: number, nanoseconds: number): void {
  if (loadLibc()?.setTime(full, mtime, nanoseconds) === true) return;
  const time = timeFor(mtime + nanoseconds / 1e9);
  lutimesSync(full, time, time);
}
