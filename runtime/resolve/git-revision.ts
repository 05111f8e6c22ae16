import path from 'node:path';
import { invalid, SubpipeError } from '../errors.ts';
import type { SourceText } from './checkout.ts';
import { maxFileBytes, textOfBytes } from './document.ts';
import { GitObjects } from './git-objects.ts';
import { inside } from './sources/inside.ts';
import type { Repository } from './sources.ts';

/** A git repository as it was at a revision. */
export interface Revision extends Repository, AsyncDisposable {
  /** The id of the commit. */
  readonly commit: string;
  /** The file at a path, or all YAML files below it (`''`: of the repository); none where there is neither. */
  texts(at: string): Promise<SourceText[]>;
}

/**
 * Opens a revision, to be read without a checkout and as a checkout is: links inside the repository are followed, others are not there.
 *
 * @param root Of the work tree.
 * @param folder In it: a path that is not below the root is looked for below it.
 * @param revision As git names one: a branch, a tag, a commit, `HEAD~2`.
 * @throws SubpipeError `INVALID` where there is no such revision, or no git.
 */
export async function openRevision(
  root: string,
  folder: string,
  revision: string,
  options: { env: NodeJS.ProcessEnv; signal?: AbortSignal | undefined },
): Promise<Revision> {
  const objects = new GitObjects(root, { ...options, most: maxFileBytes });
  try {
    const found = await objects.read(`${revision}^{commit}`);
    if (found?.kind !== 'commit') {
      throw invalid(`there is no revision ${JSON.stringify(revision)} in the repository ${root}`, {
        hint: 'Expected a branch, a tag or a commit; a shallow clone has few of them (git fetch --unshallow).',
      });
    }
    return new GitRevision(objects, { commit: found.id, revision, here: path.relative(root, folder) });
  } catch (error) {
    await objects[Symbol.asyncDispose]();
    throw error;
  }
}

class GitRevision implements Revision {
  readonly title: string;
  readonly commit: string;
  readonly #objects: GitObjects;
  readonly #revision: string;
  readonly #here: string;

  constructor(objects: GitObjects, of: { commit: string; revision: string; here: string }) {
    this.#objects = objects;
    this.commit = of.commit;
    this.title = `${of.revision} (${of.commit.slice(0, 12)})`;
    this.#revision = of.revision;
    this.#here = of.here.split(path.sep).join('/');
  }

  async texts(at: string): Promise<SourceText[]> {
    const found = await this.#objects.read(`${this.commit}:${at}`);
    if (found?.kind === 'tree') return this.#below(found.bytes, at, found.id.length / 2);
    return found?.kind === 'blob' ? [this.#text(found, at)] : [];
  }

  async files(from = '.tekton'): Promise<SourceText[]> {
    const texts = await this.texts(inside(from));
    return texts.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async read(wanted: string): Promise<string> {
    const clean = inside(wanted);
    const places = this.#here === '' || this.#here.startsWith('..') ? [clean] : [clean, `${this.#here}/${clean}`];
    for (const place of places) {
      const found = await this.#objects.read(`${this.commit}:${place}`);
      if (found?.kind === 'link' && found.why === 'symlink') {
        throw invalid(`the file ${clean} is a link that leads out of the repository`);
      }
      if (found?.kind === 'blob') return this.#text(found, place).text;
    }
    throw new SubpipeError('NOT_FOUND', `there is no file ${clean} in the repository at ${this.#revision}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#objects[Symbol.asyncDispose]();
  }

  async #below(tree: Buffer, folder: string, idLength: number): Promise<SourceText[]> {
    const texts: SourceText[] = [];
    // In the order in which a checkout's files are read, which is not quite git's.
    const entries = [...entriesOf(tree, idLength)].sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const { mode, name, id } of entries) {
      const at = folder === '' ? name : `${folder}/${name}`;
      if (mode === '40000') {
        const below = await this.#objects.read(id);
        if (below?.kind === 'tree') texts.push(...(await this.#below(below.bytes, at, idLength)));
      } else if (/\.ya?ml$/.test(name) && mode !== '160000') {
        const found = await this.#objects.read(mode === '120000' ? `${this.commit}:${at}` : id);
        if (found?.kind === 'blob') texts.push(this.#text(found, at));
      }
    }
    return texts;
  }

  /** Named as git names it, so that an error says which of two revisions it is in. */
  #text({ bytes, size }: { bytes: Buffer; size: number }, at: string): SourceText {
    const shown = `${this.#revision}:${at}`;
    if (size > maxFileBytes) throw invalid(`${shown} is ${size} bytes long: expected at most ${maxFileBytes}`);
    return { path: shown, text: textOfBytes(bytes, shown) };
  }
}

/** A tree object: mode, space, name, NUL and the raw id, one after another (gitformat-pack, gitcore-tutorial "Tree objects"). */
function* entriesOf(tree: Buffer, idLength: number): Generator<{ mode: string; name: string; id: string }> {
  for (let at = 0; at < tree.length; ) {
    const space = tree.indexOf(32, at);
    const end = tree.indexOf(0, space);
    if (space < 0 || end < 0) return;
    const id = tree.subarray(end + 1, end + 1 + idLength).toString('hex');
    yield { mode: tree.subarray(at, space).toString(), name: tree.subarray(space + 1, end).toString(), id };
    at = end + 1 + idLength;
  }
}
