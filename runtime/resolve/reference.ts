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
