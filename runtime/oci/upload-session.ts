import type { Readable } from 'node:stream';
import { hasCode, SubpipeError } from '../errors.ts';
import type { HttpResponse } from '../http.ts';
import { type Connection, discard, type RegistryRequest } from './connection.ts';
import type { Digest } from './digest.ts';
import { type Refusal, readRefusal } from './failure.ts';
import type { Options } from './target.ts';

/** A registry reads what came last before it answers, and the last request of a large blob may take it minutes. */
const answerMs = 300_000;

const uploads = 'blobs/uploads/';

/** One upload of a blob, from its POST to its end (distribution-spec v1.1, "Pushing blobs"). */
export class UploadSession {
  readonly #connection: Connection;
  readonly #signal: AbortSignal | undefined;
  #location: URL;
  /** Bytes that the registry has. */
  offset = 0;
  /** Bytes that a chunk must have at least; what is left at the end goes with the request that ends the upload. */
  readonly minimum: number;

  private constructor(connection: Connection, response: HttpResponse, signal: AbortSignal | undefined) {
    this.#connection = connection;
    this.#signal = signal;
    const { location } = response.headers;
    if (location === undefined) {
      throw new SubpipeError('FAILED', `${connection.name} started an upload without a Location`);
    }
    this.#location = connection.resolve(location, uploads);
    this.minimum = Number(response.headers['oci-chunk-min-length'] ?? 0) || 0;
  }

  /** Begins an upload, or has the blob mounted from another repository where the registry does that. */
  static async start(
    connection: Connection,
    mount: { digest: Digest; from: string } | undefined,
    { signal }: Options,
  ): Promise<UploadSession | 'mounted'> {
    const begin = { method: 'POST', headers: { 'content-length': '0' }, signal };
    let response: HttpResponse | undefined;
    if (mount !== undefined) {
      const query = new URLSearchParams({ mount: mount.digest, from: mount.from });
      response = await connection
        .send(`${uploads}?${query}`, 'pull,push', { ...begin, mountFrom: mount.from })
        .catch((error: unknown) => {
          // A token server may give nothing for two repositories: then nothing is mounted.
          if (hasCode(error, 'FORBIDDEN')) return undefined;
          throw error;
        });
      if (response?.status === 201) {
        await discard(response);
        return 'mounted';
      }
      // Not allowed to mount, or not able to, is no reason not to upload.
      if (response !== undefined && response.status !== 202) await discard(response);
    }
    if (response?.status !== 202) response = await connection.send(uploads, 'pull,push', begin);
    if (response.status !== 202) throw await connection.failure(response, 'start an upload');
    await discard(response);
    return new UploadSession(connection, response, signal);
  }

  /** Sends all of a blob in one request, which ends the upload. */
  putAll(digest: Digest, size: number, body: Readable): Promise<Refusal | undefined> {
    const headers = { 'content-length': String(size) };
    return this.#write(this.#ending(digest), { method: 'PUT', headers }, body);
  }

  /** Sends a stream of any length. What has arrived of it when it breaks is not known: see {@link ask}. */
  patchStream(body: Readable, written?: (bytes: Buffer) => void): Promise<Refusal | undefined> {
    return this.#write(this.#location, { method: 'PATCH', written }, body);
  }

  /** Sends the next bytes. */
  async patch(chunk: Buffer): Promise<Refusal | undefined> {
    const refusal = await this.#write(this.#location, {
      method: 'PATCH',
      headers: this.#headersOf(chunk),
      body: chunk,
    });
    // The Range of the answer is not looked at: at Amazon ECR it stays behind what is stored.
    if (refusal === undefined) this.offset += chunk.length;
    return refusal;
  }

  /** Ends the upload, with the last bytes if there are any: now the registry compares what it has with the digest. */
  finish(digest: Digest, rest?: Buffer): Promise<Refusal | undefined> {
    const headers = rest === undefined ? { 'content-length': '0' } : this.#headersOf(rest);
    return this.#write(this.#ending(digest), { method: 'PUT', headers, ...(rest === undefined ? {} : { body: rest }) });
  }

  #headersOf(chunk: Buffer): Record<string, string> {
    return {
      'content-range': `${this.offset}-${this.offset + chunk.length - 1}`,
      'content-length': String(chunk.length),
    };
  }

  /** Asks what has arrived. @returns false when the upload is gone, or the registry does not tell. */
  async ask(): Promise<boolean> {
    const response = await this.#connection.send(this.#location, 'pull,push', { signal: this.#signal });
    await discard(response);
    if (response.status !== 204 && response.status !== 200) return false;
    const range = /^(?:bytes[= ])?0-(\d+)$/.exec(response.headers.range ?? '');
    if (range === null) return false;
    // "0-0" is what Distribution says of nothing.
    this.offset = range[1] === '0' ? 0 : Number(range[1]) + 1;
    this.#follow(response, this.#location);
    return true;
  }

  /** Lets the registry throw away what it has. It would do so by itself, days later. */
  async cancel(): Promise<void> {
    const request = { method: 'DELETE', retry: false, timeoutMs: 5000, signal: this.#signal } as const;
    const response = await this.#connection.send(this.#location, 'pull,push', request).catch(() => undefined);
    if (response !== undefined) await discard(response);
  }

  #ending(digest: Digest): URL {
    const url = new URL(this.#location);
    url.searchParams.set('digest', digest);
    return url;
  }

  async #write(url: URL, request: RegistryRequest, stream?: Readable): Promise<Refusal | undefined> {
    const response = await this.#connection.send(url, 'pull,push', {
      ...request,
      ...(stream === undefined ? {} : { body: () => stream }),
      headers: { 'content-type': 'application/octet-stream', ...request.headers },
      // Sent blindly again, what had arrived would be there twice.
      retry: false,
      timeoutMs: answerMs,
      signal: this.#signal,
    });
    if (response.status < 200 || response.status > 299) {
      const refusal = await readRefusal(response);
      // Refused in the middle: the rest of the body never comes, so the connection is of no more use.
      if (stream?.readableEnded === false) response.body.socket.destroy();
      return refusal;
    }
    await discard(response);
    this.#follow(response, url);
    return undefined;
  }

  /** Many registries sign the state into the address: only the newest is good. */
  #follow(response: HttpResponse, from: URL): void {
    const { location } = response.headers;
    if (location !== undefined) this.#location = this.#connection.resolve(location, from);
  }
}
