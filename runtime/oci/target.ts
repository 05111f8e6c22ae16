import type { Readable } from 'node:stream';
import type { Digest } from './digest.ts';
import type { Descriptor, StoredManifest } from './manifest.ts';

/** What every operation takes. */
export interface Options {
  signal?: AbortSignal | undefined;
  /** Not from a mirror, which may know a tag as it was some time ago. */
  fresh?: boolean;
  /** Who reads writes here too, now or later: what is not there is then told by registries that hide it from others, see `ask`. */
  asWriter?: boolean;
}

/** How a blob got to its place: it was there, the registry took it from another repository, or its bytes were sent. */
export type Arrival = 'there' | 'mounted' | 'sent';

/** How a deletion ended: `unsupported` is a registry that does not delete, or not by tag (Distribution 2). */
export type Deletion = 'deleted' | 'absent' | 'unsupported';

export interface RangeOptions extends Options {
  /** A place that sends all of the blob is an error: what is not wanted costs more than it is worth. Default false. */
  strict?: boolean;
}

export interface StreamOptions extends Options {
  /** Told of each buffer of the stream, or parts of it, that nobody looks at any more: its memory can be used again. */
  written?: ((bytes: Buffer) => void) | undefined;
}

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
  /**
   * A part of a blob, exactly `length` bytes from `start` on (RFC 9110, section 14). Nothing can be verified about it:
   * whoever asks must know by other means what it is to be.
   */
  readRange(blob: Descriptor, start: number, length: number, options?: RangeOptions): Promise<Readable>;
  /** The size of a blob that only a digest is known of, with the media type of any bytes. */
  findBlob(digest: Digest, options?: Options): Promise<Descriptor | undefined>;
  /** Does nothing when it is there. `open` gives a fresh stream for every try. */
  writeBlob(blob: Descriptor, open: () => Readable | Promise<Readable>, options?: WriteOptions): Promise<Arrival>;
  /**
   * Writes a blob whose digest is known only at its end, as with a layer that is packed while it goes out. `open` is
   * called again after a failure, and must then give the same bytes: what is there already is not sent twice.
   */
  writeStream(
    mediaType: string,
    open: () => Readable | Promise<Readable>,
    options?: StreamOptions,
  ): Promise<Descriptor>;
  /** By tag or digest. @throws SubpipeError `NOT_FOUND`. */
  readManifest(reference: string, options?: Options): Promise<StoredManifest>;
  /** What it points at must be there already. With a tag it gets this name too. */
  writeManifest(manifest: StoredManifest, tag?: string, options?: Options): Promise<void>;
  /** Every tag, sorted. None where there is no such repository. */
  listTags(options?: Options): Promise<string[]>;
  /** What refers to a manifest by its `subject` (distribution-spec v1.1, "Listing Referrers"). */
  referrers(subject: Digest, options?: Options & { artifactType?: string }): Promise<Descriptor[]>;
  /** Takes a name away; what it named stays. */
  deleteTag(tag: string, options?: Options): Promise<Deletion>;
  /** Removes a manifest with all its tags. Its blobs go when the registry collects its garbage. */
  deleteManifest(digest: Digest, options?: Options): Promise<Deletion>;
}
