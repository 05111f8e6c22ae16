import { invalid } from '../errors.ts';
import { inside } from './sources/inside.ts';

/** What an annotation, or a resolver's params, name: where a Task or a Pipeline comes from. */
export type Reference =
  /**
   * A catalogue's entry. `catalog` is `default`, or the name before `://`. `id` names another catalogue of the same hub, as the
   * hub resolver's `catalog` does.
   */
  | { kind: 'hub'; catalog: string; name: string; version: string | undefined; id?: string }
  /** `http(s)://…`; the URL decides whether a forge's API is asked for it. */
  | { kind: 'url'; url: string }
  /** Relative to the repository's root, with `/`, never outside it. */
  | { kind: 'path'; path: string }
  /** A Tekton bundle (docs/bundle-resolver.md). */
  | { kind: 'bundle'; image: string; name: string; resourceKind: string }
  /** docs/git-resolver.md. */
  | { kind: 'git'; url: string; revision: string; path: string }
  /** docs/cluster-resolver.md. */
  | { kind: 'cluster'; resourceKind: string; name: string; namespace: string };

/** What kind of object a reference must turn out to be. */
export type Wanted = 'task' | 'pipeline' | 'stepaction';

/**
 * What a word of an annotation names (seed: "Remote Task annotations"): a URL, `catalog://name`, a path (with a slash, or ending as
 * a YAML file does), or a name in the default catalogue; `:version` follows a catalogue's name.
 *
 * @param relative What a path means; by default it is one in the repository.
 * @throws SubpipeError `INVALID` for an empty word, or a path that leads out of the repository.
 */
export function parseReference(word: string, relative: (path: string) => Reference = fromRoot): Reference {
  if (word === '') throw invalid('expected a name, a path or a URL, but there is nothing');
  if (/^https?:\/\//i.test(word)) return { kind: 'url', url: word };
  const custom = /^([^/]*?):\/\/(.*)$/s.exec(word);
  if (custom !== null) return hubEntry(custom[1] ?? '', custom[2] ?? '', word);
  if (word.includes('/') || /\.ya?ml$/.test(word)) return relative(word);
  return hubEntry('default', word, word);
}

function fromRoot(path: string): Reference {
  return { kind: 'path', path: inside(path) };
}

function hubEntry(catalog: string, entry: string, word: string): Reference {
  const [name = '', version, ...more] = entry.split(':');
  if (catalog === '' || name === '' || version === '' || more.length > 0 || name.includes('/')) {
    throw invalid(
      `${JSON.stringify(word)} is no entry of a catalogue: expected name, name:version or catalog://name:version`,
    );
  }
  return { kind: 'hub', catalog, name, version };
}

/** A reference for people: as it would be written. */
export function titleOf(reference: Reference): string {
  switch (reference.kind) {
    case 'hub': {
      const prefix = reference.catalog === 'default' ? '' : `${reference.catalog}://`;
      return `${prefix}${reference.name}${reference.version === undefined ? '' : `:${reference.version}`}`;
    }
    case 'url':
      return reference.url;
    case 'path':
      return reference.path;
    case 'bundle':
      return `${reference.resourceKind} ${reference.name} of ${reference.image}`;
    case 'git':
      return `${reference.path} of ${reference.url} at ${reference.revision}`;
    case 'cluster':
      return `${reference.resourceKind} ${reference.namespace}/${reference.name}`;
    default:
      return reference satisfies never;
  }
}
