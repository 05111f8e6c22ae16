import type { Readable } from 'node:stream';
import type { Descriptor, StoredManifest } from './manifest.ts';

/** What every operation takes. */
export interface Options {
  signal?: AbortSignal | undefined;
}

/** How a blob got to its place: it was there, the registry took it from another repository, or its bytes were sent. */
export type Arrival = 'there' | 'mounted' | 'sent';

export interface WriteOptions extends Options {
  /** A repository of the same registry that has the blob: it is mounted from there where the registry can. */
  mountFrom?: string | undefined;
}

/**
 * Content by digest, and names for it: a registry's repository or an OCI layout folder. Everything that is read is
 * verified against its descriptor, everything that is written is verified before it can be seen.
 */
export interface Target {
  /** For people: `ghcr.io/a/b` or `oci:FOLDER`. */
  readonly name: string;
  hasBlob(blob: Descriptor, options?: Options): Promise<boolean>;
  /** A stream that fails unless it is exactly the blob. @throws SubpipeError `NOT_FOUND`. */
  readBlob(blob: Descriptor, options?: Options): Promise<Readable>;
  /** Does nothing when it is there. `open` gives a fresh stream for every try. */
  writeBlob(blob: Descriptor, open: () => Readable | Promise<Readable>, options?: WriteOptions): Promise<Arrival>;
  /** By tag or digest. @throws SubpipeError `NOT_FOUND`. */
  readManifest(reference: string, options?: Options): Promise<StoredManifest>;
  /** What it points at must be there already. With a tag it gets this name too. */
  writeManifest(manifest: StoredManifest, tag?: string, options?: Options): Promise<void>;
}
