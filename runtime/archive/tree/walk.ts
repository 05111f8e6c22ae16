import { lstatSync, readdirSync } from 'node:fs';
import { type BytePath, join, locator } from '../path.ts';
import type { Selection } from './ignore.ts';
import { mountsIn } from './mounts.ts';
import { changed, kindOf, typeOf } from './node.ts';
import { SnapshotBuilder } from './snapshot.ts';

/** Where a pull works while it runs, at the top of a workspace: never part of its content. */
export const workFolder = '.subpipe-pull';

/** What mke2fs(8) puts at the top of a volume, for root alone: it belongs to the volume, and no workspace has it. */
export const lostAndFound = 'lost+found';

/** What is in a folder: a stretch of a table. Parents before what is in them; names by their bytes. */
export interface Found {
  table: Pick<SnapshotBuilder, 'paths' | 'numbers'>;
  from: number;
  to: number;
  /** Places in the table of files that have other names too, in the folder or elsewhere. */
  linked: number[];
  skipped: Skipped[];
}

/** What cannot be kept, for people: sockets, devices, pipes. */
export interface Skipped {
  path: BytePath;
  what: string;
}

/** Looks into folders of one tree. Synchronous: asynchronous calls take three times as long. */
export class Walk {
  readonly table = new SnapshotBuilder();
  readonly #at: (path: BytePath) => string | Buffer;
  readonly #device: number;
  /** Also volumes of the tree's own device. Most often none: then nothing is looked for. */
  readonly #mounts: ReadonlySet<BytePath> | undefined;
  readonly #chosen: Selection | undefined;
  #linked: number[] = [];
  #skipped: Skipped[] = [];

  /** @param device of the tree's root: what is mounted in the tree is left out. */
  constructor(root: string, device: number, chosen?: Selection) {
    this.#at = locator(root);
    this.#device = device;
    const mounts = mountsIn(root);
    this.#mounts = mounts.size === 0 ? undefined : mounts;
    this.#chosen = chosen;
  }

  /** What is in a folder and in those below. */
  all(folder: BytePath): Found {
    const visit = (path: BytePath): void => this.#look(path, visit);
    return this.#found(() => visit(folder));
  }

  /** What is in a folder itself, and its folders whose content belongs to the tree. */
  level(folder: BytePath): { found: Found; folders: BytePath[] } {
    const folders: BytePath[] = [];
    return { found: this.#found(() => this.#look(folder, (path) => folders.push(path))), folders };
  }

  #found(look: () => void): Found {
    const table = this.table;
    const from = table.size;
    this.#linked = [];
    this.#skipped = [];
    look();
    return { table, from, to: table.size, linked: this.#linked, skipped: this.#skipped };
  }

  #look(folder: BytePath, enter: (path: BytePath) => void): void {
    const names = readdirSync(this.#at(folder), { encoding: 'latin1' });
    names.sort();
    for (const name of names) {
      if (folder === '' && (name === workFolder || name === lostAndFound)) continue;
      const path = join(folder, name);
      const seen = lstatSync(this.#at(path), { throwIfNoEntry: false });
      if (seen === undefined) throw changed(path);
      const type = typeOf(seen);
      if (this.#chosen !== undefined && !this.#chosen.has(path, type === 'folder')) continue;
      const isMount = this.#mounts?.has(path) === true;
      if (type === undefined || (isMount && type !== 'folder')) {
        this.#skipped.push({ path, what: type === undefined ? kindOf(seen) : 'mounted here' });
        continue;
      }
      this.table.add(path, type, seen);
      if (type === 'folder') this.#enter(path, isMount ? undefined : seen.dev, enter);
      else if (type === 'file' && seen.nlink > 1) this.#linked.push(this.table.size - 1);
    }
  }

  #enter(path: BytePath, device: number | undefined, enter: (path: BytePath) => void): void {
    const { size } = this.table;
    // Mounts inside a workspace could repeat inode numbers; those of their files are not links of ours.
    if (device === this.#device) enter(path);
    else this.#skipped.push({ path, what: 'another volume mounted here (its content)' });
    // Entered for what may be in it: without that, nobody has asked for it.
    if (this.table.size === size && this.#chosen?.wants(path) === false) this.table.drop();
  }
}
