import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SubpipeError } from '../errors.ts';
import type { HttpResponse } from '../http.ts';
import { backoff, pause } from '../retry.ts';
import { ask } from './ask.ts';
import { Connection, discard, type RegistryOptions } from './connection.ts';
import { type Digest, isDigest, Verifier } from './digest.ts';
import { download } from './download.ts';
import { readRefusal } from './failure.ts';
import { type Descriptor, manifestLimit, mediaTypes, readManifest, type StoredManifest } from './manifest.ts';
import { loadMirrors, mirrorsOf } from './mirrors.ts';
import type { ImageName } from './name.ts';
import { checkRange } from './range.ts';
import { askReferrers, readFallback, writeFallback } from './referrers.ts';
import { deleteReference, listTags } from './tags.ts';
import type { Arrival, Deletion, Options, RangeOptions, StreamOptions, Target, WriteOptions } from './target.ts';
import { upload, uploadStream } from './upload.ts';

const accept = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerIndex, mediaTypes.dockerManifest].join(', ');

/** Types of servers and proxies that do not know what they send. */
const saysNothing = new Set(['', 'application/octet-stream', 'application/json', 'text/plain']);

/** A mirror that does not answer at once is passed over: there is another place to ask. */
const mirrorRetry = { attempts: 2, baseMs: 100, capMs: 1000 };

/**
 * A blob that was just written may not be seen yet: a store that is consistent only after a while, or Distribution with
 * files, whose links are empty for a moment when many write the same blob.
 */
const blobsAppear = { attempts: 5, baseMs: 100, capMs: 1000 };

/** A repository of a registry (OCI distribution-spec v1.1). What is read may come from a mirror; what is written never goes there. */
export class Registry implements Target {
  readonly name: string;
  readonly #connection: Connection;
  readonly #mirrors: readonly Connection[];
  readonly #warn: (sentence: string) => void;

  private constructor(connection: Connection, mirrors: readonly Connection[], options: RegistryOptions) {
    this.#connection = connection;
    this.#mirrors = mirrors;
    this.#warn = options.warn ?? (() => {});
    this.name = connection.name;
  }

  /** @throws SubpipeError `INVALID` when credentials, CAs or mirrors are not what they should be. */
  static async open(name: ImageName, options: RegistryOptions = {}): Promise<Registry> {
    const { plainHttp: _own, ...common } = options;
    const mirrors: Connection[] = [];
    for (const mirror of mirrorsOf(options.mirrors ?? loadMirrors(), name)) {
      mirrors.push(await Connection.open(mirror, { ...common, retry: mirrorRetry }));
    }
    return new Registry(await Connection.open(name, options), mirrors, options);
  }

  async hasBlob(blob: Descriptor, { signal }: Options = {}): Promise<boolean> {
    const response = await this.#connection.send(`blobs/${blob.digest}`, 'pull,push', { method: 'HEAD', signal });
    // Where a proxy lets no HEAD through, what may be there is sent again.
    if (response.status !== 200 && !isUnknown(response.status)) {
      throw await this.#connection.failure(response, `look for ${blob.digest}`);
    }
    await discard(response);
    return response.status === 200;
  }

  findBlob(digest: Digest, options: Options = {}): Promise<Descriptor | undefined> {
    return this.#read(options, async (connection, last) => {
      const size = await sizeOf(connection, digest, options);
      if (size === undefined && !last) throw new SubpipeError('NOT_FOUND', `${connection.name} has no ${digest}`);
      return size === undefined ? undefined : { mediaType: 'application/octet-stream', digest, size };
    });
  }

  async readBlob(blob: Descriptor, options: Options = {}): Promise<Readable> {
    const { signal } = options;
    const part = { start: 0, end: blob.size };
    const [source, name] = await this.#read(options, async (connection) => {
      return [await download(connection, blob, part, options), connection.name] as const;
    });
    const verifier = new Verifier(blob, name);
    // The pipeline's own promise tells nothing that the reader of `verifier` is not told.
    pipeline(source, verifier, signal === undefined ? {} : { signal }).catch(() => {});
    return verifier;
  }

  readRange(blob: Descriptor, start: number, length: number, options: RangeOptions = {}): Promise<Readable> {
    checkRange(blob, start, length);
    const part = { start, end: start + length, strict: options.strict === true };
    return this.#read(options, (connection) => download(connection, blob, part, options));
  }

  async writeBlob(
    blob: Descriptor,
    open: () => Readable | Promise<Readable>,
    options: WriteOptions = {},
  ): Promise<Arrival> {
    if (await this.hasBlob(blob, options)) return 'there';
    return await upload(this.#connection, blob, open, options);
  }

  writeStream(
    mediaType: string,
    open: () => Readable | Promise<Readable>,
    options: StreamOptions = {},
  ): Promise<Descriptor> {
    return uploadStream(this.#connection, mediaType, open, options);
  }

  readManifest(reference: string, options: Options = {}): Promise<StoredManifest> {
    // A mirror that refuses is passed over: what is written never goes there.
    return this.#read(options, (connection, last) =>
      fetchManifest(connection, reference, { ...options, asWriter: last && options.asWriter === true }),
    );
  }

  async writeManifest(manifest: StoredManifest, tag?: string, options: Options = {}): Promise<void> {
    const { descriptor, bytes } = manifest;
    const reference = tag ?? descriptor.digest;
    let response: HttpResponse;
    for (let attempt = 1; ; attempt++) {
      response = await this.#connection.send(`manifests/${reference}`, 'pull,push', {
        method: 'PUT',
        headers: { 'content-type': descriptor.mediaType },
        body: bytes,
        signal: options.signal,
      });
      if (response.status >= 200 && response.status <= 299) break;
      const refusal = await readRefusal(response);
      const isEarly = refusal.codes.includes('MANIFEST_BLOB_UNKNOWN') && attempt < blobsAppear.attempts;
      if (!isEarly) throw this.#connection.refused(refusal, `write the manifest ${reference}`);
      await pause(backoff(blobsAppear, attempt), options.signal);
    }
    await discard(response);
    const said = response.headers['docker-content-digest'];
    if (said !== undefined && said !== descriptor.digest) {
      throw new SubpipeError('FAILED', `${this.name} stored ${descriptor.digest} as ${String(said)}`);
    }
    const { subject } = manifest.value;
    // Without this header the registry took no notice of the subject (distribution-spec, "Pushing Manifests with Subject").
    if (subject !== undefined && response.headers['oci-subject'] === undefined) {
      await writeFallback(this, subject.digest, manifest, options);
    }
  }

  listTags(options: Options = {}): Promise<string[]> {
    return listTags(this.#connection, options);
  }

  async referrers(subject: Digest, options: Options & { artifactType?: string } = {}): Promise<Descriptor[]> {
    const listed = await askReferrers(this.#connection, subject, options);
    const found = listed ?? (await readFallback(this, subject, options));
    return found.filter((item) => options.artifactType === undefined || item.artifactType === options.artifactType);
  }

  deleteTag(tag: string, options: Options = {}): Promise<Deletion> {
    return deleteReference(this.#connection, tag, options);
  }

  deleteManifest(digest: Digest, options: Options = {}): Promise<Deletion> {
    return deleteReference(this.#connection, digest, options);
  }

  /** Asks the mirrors, one after the other, and then the registry itself, whose answer is final. */
  async #read<Value>(
    { signal, fresh = false }: Options,
    ask: (connection: Connection, last: boolean) => Promise<Value>,
  ): Promise<Value> {
    for (const mirror of fresh ? [] : this.#mirrors) {
      try {
        return await ask(mirror, false);
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        this.#warn(`the mirror ${mirror.name} did not help: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return ask(this.#connection, true);
  }
}

/** Whether the answer to a HEAD says that there is no such blob, or nothing. */
function isUnknown(status: number): boolean {
  return status === 404 || status === 405 || status === 501;
}

/** The size of a blob, or undefined where there is none. */
async function sizeOf(connection: Connection, digest: Digest, { signal }: Options): Promise<number | undefined> {
  // A proxy may let no HEAD through, or leave out the length.
  for (const method of ['HEAD', 'GET']) {
    const response = await connection.send(`blobs/${digest}`, 'pull', { method, signal });
    const { status, headers } = response;
    if (status !== 200 && !isUnknown(status)) throw await connection.failure(response, `look for ${digest}`);
    if (method === 'HEAD') await discard(response);
    else response.body.destroy();
    if (status === 404) return undefined;
    const length = headers['content-length'];
    if (status === 200 && length !== undefined) return Number(length);
  }
  throw new SubpipeError('FAILED', `${connection.name} does not say how large ${digest} is`);
}

async function fetchManifest(connection: Connection, reference: string, options: Options): Promise<StoredManifest> {
  const response = await ask(connection, `manifests/${reference}`, `read ${reference}`, {
    ...options,
    headers: { accept },
  });
  if (response.status !== 200) throw await connection.failure(response, `read ${reference}`);
  const bytes = await bytesOf(response.body, connection, reference, options.signal);
  const type = (response.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
  const stored = readManifest(bytes, saysNothing.has(type) ? undefined : type, connection.name);
  // A tag's digest is the one of the bytes that came: the header is only a claim.
  if (isDigest(reference) && stored.descriptor.digest !== reference) {
    throw new SubpipeError('FAILED', `${reference} from ${connection.name} has the digest ${stored.descriptor.digest}`);
  }
  return stored;
}

async function bytesOf(
  body: AsyncIterable<Buffer>,
  { name }: Connection,
  reference: string,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > manifestLimit) {
        const what = `the manifest of ${name}:${reference}`;
        throw new SubpipeError('FAILED', `${what} is larger than ${manifestLimit} bytes`);
      }
      chunks.push(chunk);
    }
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason;
    if (cause instanceof SubpipeError) throw cause;
    throw new SubpipeError('UNAVAILABLE', `${name} broke off while ${reference} was read`, { cause });
  }
  return Buffer.concat(chunks);
}
