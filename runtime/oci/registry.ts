import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SubpipeError } from '../errors.ts';
import { Connection, discard, type RegistryOptions } from './connection.ts';
import { isDigest, Verifier } from './digest.ts';
import { type Descriptor, manifestLimit, mediaTypes, readManifest, type StoredManifest } from './manifest.ts';
import type { ImageName } from './name.ts';
import type { Arrival, Options, Target, WriteOptions } from './target.ts';
import { upload } from './upload.ts';

const accept = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerIndex, mediaTypes.dockerManifest].join(', ');

/** A repository of a registry (OCI distribution-spec v1.1). */
export class Registry implements Target {
  readonly name: string;
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.name = connection.name;
  }

  static async open(name: ImageName, options: RegistryOptions = {}): Promise<Registry> {
    return new Registry(await Connection.open(name, options));
  }

  async hasBlob(blob: Descriptor, options: Options = {}): Promise<boolean> {
    const { signal } = options;
    const response = await this.#connection.send(`blobs/${blob.digest}`, 'pull,push', { method: 'HEAD', signal });
    await discard(response);
    if (response.status === 200) return true;
    if (response.status === 404) return false;
    throw await this.#connection.failure(response, `look for ${blob.digest}`);
  }

  async readBlob(blob: Descriptor, options: Options = {}): Promise<Readable> {
    const { signal } = options;
    const response = await this.#connection.send(`blobs/${blob.digest}`, 'pull', { signal });
    if (response.status !== 200) throw await this.#connection.failure(response, `read ${blob.digest}`);
    const verifier = new Verifier(blob, this.name);
    // The pipeline's own promise tells nothing that the reader of `verifier` is not told.
    pipeline(response.body, verifier, signal === undefined ? {} : { signal }).catch(() => {});
    return verifier;
  }

  async writeBlob(
    blob: Descriptor,
    open: () => Readable | Promise<Readable>,
    options: WriteOptions = {},
  ): Promise<Arrival> {
    if (await this.hasBlob(blob, options)) return 'there';
    return await upload(this.#connection, blob, open, options);
  }

  async readManifest(reference: string, options: Options = {}): Promise<StoredManifest> {
    const { signal } = options;
    const response = await this.#connection.send(`manifests/${reference}`, 'pull', { headers: { accept }, signal });
    if (response.status !== 200) throw await this.#connection.failure(response, `read ${reference}`);
    const bytes = await bytesOf(response.body, `${this.name}:${reference}`);
    const type = (response.headers['content-type'] ?? '').split(';')[0] ?? '';
    const stored = readManifest(bytes, type.trim(), this.name);
    // A tag's digest is the one of the bytes that came: the header is only a claim.
    if (isDigest(reference) && stored.descriptor.digest !== reference) {
      throw new SubpipeError('FAILED', `${reference} from ${this.name} has the digest ${stored.descriptor.digest}`);
    }
    return stored;
  }

  async writeManifest(manifest: StoredManifest, tag?: string, options: Options = {}): Promise<void> {
    const { descriptor, bytes } = manifest;
    const reference = tag ?? descriptor.digest;
    const response = await this.#connection.send(`manifests/${reference}`, 'pull,push', {
      method: 'PUT',
      headers: { 'content-type': descriptor.mediaType },
      body: bytes,
      signal: options.signal,
    });
    if (response.status !== 201) throw await this.#connection.failure(response, `write the manifest ${reference}`);
    await discard(response);
    const said = response.headers['docker-content-digest'];
    if (said !== undefined && said !== descriptor.digest) {
      throw new SubpipeError('FAILED', `${this.name} stored ${descriptor.digest} as ${String(said)}`);
    }
  }
}

async function bytesOf(body: AsyncIterable<Buffer>, what: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > manifestLimit) {
      throw new SubpipeError('FAILED', `the manifest of ${what} is larger than ${manifestLimit} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
