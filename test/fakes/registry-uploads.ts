import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Quirks } from './registry-quirks.ts';

interface Upload {
  repository: string;
  chunks: Buffer[];
  size: number;
  /** The state in the address that was told last. */
  told: number;
}

/** Takes what is uploaded. @returns false when it is not what the digest says. */
export type Store = (repository: string, digest: string, bytes: Buffer) => boolean;

export type Refuse = (response: ServerResponse, status: number, code: string, message?: string) => void;

/** Sessions of blob uploads (distribution-spec v1.1, "Pushing a blob in chunks"), strict about their order. */
export class FakeUploads {
  readonly #sessions = new Map<string, Upload>();
  readonly #quirks: Quirks;
  readonly #store: Store;
  readonly #refuse: Refuse;

  constructor(quirks: Quirks, store: Store, refuse: Refuse) {
    this.#quirks = quirks;
    this.#store = store;
    this.#refuse = refuse;
  }

  start(response: ServerResponse, repository: string): void {
    const id = randomUUID();
    this.#sessions.set(id, { repository, chunks: [], size: 0, told: 0 });
    const { chunkMinimum } = this.#quirks;
    const minimum = chunkMinimum === undefined ? {} : { 'oci-chunk-min-length': String(chunkMinimum) };
    response.writeHead(202, { location: this.#locate(repository, id, 0), ...minimum }).end();
  }

  async handle(request: IncomingMessage, response: ServerResponse, repository: string, url: URL): Promise<void> {
    const id = url.pathname.split('/').at(-1) ?? '';
    const upload = this.#sessions.get(id);
    if (upload === undefined || upload.repository !== repository) {
      return this.#refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN');
    }
    if (request.method === 'DELETE') {
      this.#sessions.delete(id);
      return void response.writeHead(204).end();
    }
    if (request.method === 'GET') return void response.writeHead(204, this.#position(upload, id)).end();
    const refused = this.#check(request, upload, url);
    if (refused !== undefined) {
      if (refused[0] === 429) response.setHeader('retry-after', this.#quirks.retryAfter ?? 0);
      return this.#refuse(response, ...refused);
    }
    await this.#read(request, response, upload, id);
    if (response.destroyed) return;
    if (request.method === 'PATCH') {
      if ((this.#quirks.losesChunks ?? 0) > 0) {
        this.#quirks.losesChunks = (this.#quirks.losesChunks ?? 0) - 1;
        const before = this.#position(upload, id);
        upload.size -= upload.chunks.splice(0).reduce((sum, { length }) => sum + length, 0);
        return void response.writeHead(202, before).end();
      }
      return void response.writeHead(this.#quirks.ecr ? 201 : 202, this.#position(upload, id)).end();
    }
    this.#sessions.delete(id);
    const digest = url.searchParams.get('digest') ?? '';
    if (!this.#store(repository, digest, Buffer.concat(upload.chunks))) {
      return this.#refuse(response, 400, 'DIGEST_INVALID');
    }
    response.writeHead(201, { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest }).end();
  }

  /** `Location` changes with every chunk, as signed ones do. */
  #position(upload: Upload, id: string): Record<string, string> {
    const range = upload.size === 0 ? '0-0' : `0-${upload.size - 1}`;
    upload.told = upload.size;
    return { location: this.#locate(upload.repository, id, upload.size), range };
  }

  #locate(repository: string, id: string, state: number): string {
    const path = `/v2/${repository}/blobs/uploads/${id}?state=${state}`;
    return this.#quirks.locate?.(path) ?? path;
  }

  #check(request: IncomingMessage, upload: Upload, url: URL): [number, string, string] | undefined {
    const quirks = this.#quirks;
    const isNewest = url.searchParams.get('state') === String(upload.told);
    if (!isNewest) return [404, 'BLOB_UPLOAD_UNKNOWN', 'the address is not the newest'];
    if ((quirks.busy ?? 0) > 0) {
      quirks.busy = (quirks.busy ?? 0) - 1;
      return [429, 'TOOMANYREQUESTS', 'slow down'];
    }
    const { 'content-length': length, 'content-range': range } = request.headers;
    if (length === undefined && quirks.needsLength) return [411, 'SIZE_INVALID', 'a length is required'];
    const size = Number(length ?? 0);
    if (size > (quirks.bodyLimit ?? Infinity)) return [413, '', 'Request Entity Too Large'];
    if (request.method === 'PATCH' && size > (quirks.patchLimit ?? Infinity)) {
      const limit = ((quirks.patchLimit ?? 0) / 1024 / 1024).toFixed(2);
      const words = `the request body is too large and exceeds the maximum permissible limit of ${limit}MiB`;
      return [416, 'REQUESTED_RANGE_NOT_SATISFIABLE', words];
    }
    if (range === undefined) return undefined;
    const [from, to] = range.split('-').map(Number);
    const fits = from === upload.size && to === upload.size + size - 1;
    if (!fits && !quirks.takesAnyOrder) return [416, 'BLOB_UPLOAD_INVALID', `expected bytes from ${upload.size}`];
    const short = request.method === 'PATCH' && size < (quirks.chunkMinimum ?? 0);
    return short ? [416, 'BLOB_UPLOAD_INVALID', 'the chunk is too short'] : undefined;
  }

  async #read(request: IncomingMessage, response: ServerResponse, upload: Upload, id: string): Promise<void> {
    const cut = this.#quirks.cutUploads;
    let left = cut !== undefined && cut.times > 0 ? cut.after : Number.POSITIVE_INFINITY;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      const kept = chunk.subarray(0, Math.min(left, chunk.length));
      upload.chunks.push(this.#quirks.spoilsUploads && left < chunk.length ? Buffer.alloc(kept.length) : kept);
      upload.size += kept.length;
      left -= chunk.length;
      if (left > 0 || cut === undefined) continue;
      cut.times -= 1;
      if (this.#quirks.forgetsUploads) this.#sessions.delete(id);
      response.destroy();
      return;
    }
  }
}
