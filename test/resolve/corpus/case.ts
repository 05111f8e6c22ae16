/** A repository, and how it is resolved. */
export interface CorpusCase {
  title: string;
  /** By path. `{{REMOTE}}` in a text is the URL of the server of `remote`. */
  files: Readonly<Record<string, string>>;
  /** What a server has, by path. */
  remote?: Readonly<Record<string, string>>;
  /** Default `-f .tekton`. */
  args?: readonly string[];
  /** The files are a git repository with one commit, whose origin is this URL. */
  origin?: string;
  env?: Readonly<Record<string, string>>;
}
