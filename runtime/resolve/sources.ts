import type { Digest } from '../oci/digest.ts';
import type { Reference, Wanted } from './reference.ts';

/** Something that was fetched: YAML, not yet parsed. */
export interface Fetched {
  text: string;
  /** Where it came from, without credentials: for errors, and the key in the lock file. The same source gives the same text. */
  from: string;
  /** sha256 of `text`. */
  digest: Digest;
  /** It is a file of the repository itself, which no lock names. */
  local: boolean;
  /** What a relative path in it means: resolved against the file that names it (a `%2F` in a URL's branch is kept). */
  relative(path: string): Reference;
}

/**
 * Where remote Tasks and Pipelines come from. One request per URL, however often it is named and by how many at once.
 * Cache, lock file and `--offline` are behind this interface: who resolves does not see them.
 */
export interface Sources {
  /**
   * @throws SubpipeError `NOT_FOUND`, `FORBIDDEN`, `UNAVAILABLE`, or `INVALID` (outside of the repository, not as locked, too large); it
   * names the source and what to do.
   */
  fetch(reference: Reference, wanted: Wanted, signal?: AbortSignal): Promise<Fetched>;
}

/** The repository whose `.tekton` folder is resolved: a checkout, a git revision of it, or a forge's API. */
export interface Repository {
  /** For people. */
  readonly title: string;
  /** All .yaml and .yml files under a folder (default `.tekton`) and below, sorted by path, links that lead out left out. */
  files(folder?: string, signal?: AbortSignal): Promise<{ path: string; text: string }[]>;
  /** One file at the event's SHA. @throws SubpipeError `INVALID` outside of the repository, `NOT_FOUND`. */
  read(path: string, signal?: AbortSignal): Promise<string>;
}
