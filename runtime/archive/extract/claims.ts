import { type BytePath, isDirectlyIn, parentOf } from '../path.ts';

/** What a path is: a folder, a folder only because something is in it, or anything else, also nothing. */
type Kind = 'folder' | 'implied' | 'other';

/**
 * What the layers above have decided (image-spec, layer.md "Applying Changesets"). Layers are read from the last to the
 * first: what a path is, is told by the first that speaks of it, and nothing is written only to be replaced.
 */
export class Claims {
  readonly #taken = new Map<BytePath, Kind>();
  /** Folders of which nothing below comes from lower layers: opaque. */
  readonly #closed = new Set<BytePath>();
  /** Folders of which something was removed. */
  readonly #touched = new Set<BytePath>();
  /** Answers for folders, as most things in a layer share theirs. */
  readonly #hidden = new Map<BytePath, boolean>();
  /** The folder that was asked for last, and what is known of all in it. */
  #last: { folder: BytePath; hides: boolean; isTaken: boolean } | undefined;

  /** What a layer says, once all of it is read: a layer's whiteouts are not about its own entries. */
  add(said: {
    puts: Iterable<[BytePath, 'folder' | 'other']>;
    removed: Iterable<BytePath>;
    emptied: Iterable<BytePath>;
  }): void {
    let last: BytePath | undefined;
    for (const [path, kind] of said.puts) {
      const known = this.#taken.get(path);
      if (known === undefined || (known === 'implied' && kind === 'folder')) this.#taken.set(path, kind);
      // No folder here, and one above: that has nothing of the folders below.
      else if (kind === 'other' && known !== 'other') this.#closed.add(path);
      if (last !== undefined && isDirectlyIn(path, last)) continue;
      last = parentOf(path);
      for (let up = last; up !== '' && !this.#taken.has(up); up = parentOf(up)) this.#taken.set(up, 'implied');
    }
    for (const path of said.emptied) this.#closed.add(path);
    for (const path of said.removed) {
      // Removed and put again: a folder that keeps nothing of what was in it.
      if (this.#taken.has(path)) this.#closed.add(path);
      else this.#taken.set(path, 'other');
      this.#touched.add(parentOf(path));
    }
    this.#hidden.clear();
    this.#last = undefined;
  }

  /** Whether `path` is still free for the next layer; of an `implied` folder that layer still tells mode and owner. */
  ask(path: BytePath): 'free' | 'implied' | 'taken' {
    if (this.#last === undefined || !isDirectlyIn(path, this.#last.folder)) {
      const folder = parentOf(path);
      // What is in a folder that nobody spoke of, nobody spoke of.
      const isTaken = folder === '' || this.#taken.has(folder) || this.#touched.has(folder);
      this.#last = { folder, hides: this.#hides(folder), isTaken };
    }
    if (this.#last.hides) return 'taken';
    const known = this.#last.isTaken ? this.#taken.get(path) : undefined;
    if (known === 'implied') return this.#closed.has(path) ? 'taken' : 'implied';
    return known === undefined ? 'free' : 'taken';
  }

  /** Whether nothing in this folder can come from the next layer. */
  #hides(folder: BytePath): boolean {
    if (this.#closed.has(folder)) return true;
    if (folder === '') return false;
    const known = this.#hidden.get(folder);
    if (known !== undefined) return known;
    const hides = this.#taken.get(folder) === 'other' || this.#hides(parentOf(folder));
    this.#hidden.set(folder, hides);
    return hides;
  }
}
