import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeRegistryOptions {
  /** Ask for these: with `basic` on every request, with `bearer` at the token endpoint only. Default: nothing. */
  auth?: { kind: 'basic' | 'bearer'; username: string; password: string };
  /** Seconds that a bearer token is good for. Default 300. */
  tokenLifetime?: number;
  /** Return true to have answered in the registry's place: for faults and hostile answers. */
  intercept?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
}

interface Repository {
  blobs: Set<string>;
  manifests: Map<string, { type: string; bytes: Buffer }>;
  tags: Map<string, string>;
}

/** What was asked, in order: `PUT /v2/a/b/manifests/v1 201`. */
export type RequestLog = string[];

/**
 * An OCI registry in memory (distribution-spec v1.1), as strict as real ones: it verifies digests, refuses manifests
 * whose blobs are missing or that are over 4 MiB, checks the scope of tokens, and mounts only what it has.
 */
export class FakeRegistry {
  readonly requests: RequestLog = [];
  readonly #options: FakeRegistryOptions;
  readonly #server: http.Server;
  readonly #blobs = new Map<string, Buffer>();
  readonly #repositories = new Map<string, Repository>();
  readonly #uploads = new Map<string, { repository: string; chunks: Buffer[] }>();
  readonly #tokens = new Map<string, { scopes: string[]; expires: number }>();

  private constructor(options: FakeRegistryOptions) {
    this.#options = options;
    this.#server = http.createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else response.writeHead(500).end(String(error));
      });
    });
  }

  /** Listens on a free port of the loopback. Dispose of it with `await using` or `close()`. */
  static async start(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
    const registry = new FakeRegistry(options);
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    return registry;
  }

  /** `127.0.0.1:PORT`. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Puts a blob where pushes would, without asking for its digest to be right: for hostile content. */
  plant(repository: string, digest: string, bytes: Buffer): void {
    this.#blobs.set(digest, bytes);
    this.#repository(repository).blobs.add(digest);
  }

  /** Puts a manifest under a tag, right or wrong. */
  plantManifest(repository: string, reference: string, type: string, bytes: Buffer): void {
    const digest = reference.startsWith('sha256:') ? reference : digestOf(bytes);
    this.#repository(repository).manifests.set(digest, { type, bytes });
    if (digest !== reference) this.#repository(repository).tags.set(reference, digest);
  }

  #repository(name: string): Repository {
    let found = this.#repositories.get(name);
    if (found === undefined) {
      found = { blobs: new Set(), manifests: new Map(), tags: new Map() };
      this.#repositories.set(name, found);
    }
    return found;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('finish', () => this.requests.push(`${request.method} ${request.url} ${response.statusCode}`));
    if ((await this.#options.intercept?.(request, response)) === true) return;
    const url = new URL(request.url ?? '/', 'http://registry');
    if (url.pathname === '/token') return this.#token(request, response, url);
    const match = /^\/v2\/(?:(.+)\/(blobs|manifests)\/(.+))?$/.exec(url.pathname);
    if (match === null) return refuse(response, 404, 'NAME_UNKNOWN');
    const [, repository = '', kind, reference = ''] = match;
    const write = request.method !== 'GET' && request.method !== 'HEAD';
    if (!this.#allowed(request, repository, write ? 'push' : 'pull'))
      return this.#challenge(response, repository, write);
    if (kind === undefined) return void response.writeHead(200).end('{}');
    if (kind === 'manifests') return this.#manifest(request, response, repository, reference);
    if (reference.startsWith('uploads/')) return this.#upload(request, response, repository, url);
    return this.#blob(request, response, repository, reference);
  }

  #allowed(request: IncomingMessage, repository: string, action: string): boolean {
    const { auth } = this.#options;
    if (auth === undefined) return true;
    const [scheme, value = ''] = (request.headers.authorization ?? '').split(' ');
    if (auth.kind === 'basic') return scheme === 'Basic' && value === this.#secret();
    const token = this.#tokens.get(value);
    if (scheme !== 'Bearer' || token === undefined || token.expires < Date.now()) return false;
    return token.scopes.some((scope) => {
      const [type, name, actions = ''] = scope.split(':');
      return type === 'repository' && name === repository && actions.split(',').includes(action);
    });
  }

  #secret(): string {
    const { username, password } = this.#options.auth ?? { username: '', password: '' };
    return Buffer.from(`${username}:${password}`).toString('base64');
  }

  #challenge(response: ServerResponse, repository: string, write: boolean): void {
    const scope = `repository:${repository}:${write ? 'pull,push' : 'pull'}`;
    const bearer = `Bearer realm="http://${this.host}/token",service="fake",scope="${scope}"`;
    response.setHeader('www-authenticate', this.#options.auth?.kind === 'bearer' ? bearer : 'Basic realm="fake"');
    refuse(response, 401, 'UNAUTHORIZED');
  }

  #token(request: IncomingMessage, response: ServerResponse, url: URL): void {
    if (request.headers.authorization !== `Basic ${this.#secret()}`) {
      refuse(response, 401, 'UNAUTHORIZED');
      return;
    }
    const lifetime = this.#options.tokenLifetime ?? 300;
    const token = randomUUID();
    this.#tokens.set(token, { scopes: url.searchParams.getAll('scope'), expires: Date.now() + lifetime * 1000 });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token, expires_in: lifetime }));
  }

  #blob(request: IncomingMessage, response: ServerResponse, repository: string, digest: string): void {
    const bytes = this.#repository(repository).blobs.has(digest) ? this.#blobs.get(digest) : undefined;
    if (bytes === undefined) {
      refuse(response, 404, 'BLOB_UNKNOWN');
      return;
    }
    response.writeHead(200, { 'content-length': bytes.length, 'docker-content-digest': digest });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  async #upload(request: IncomingMessage, response: ServerResponse, repository: string, url: URL): Promise<void> {
    const id = url.pathname.split('/').at(-1) ?? '';
    if (request.method === 'POST') return this.#startUpload(response, repository, url);
    const upload = this.#uploads.get(id);
    if (upload === undefined || upload.repository !== repository) return refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN');
    upload.chunks.push(await bytesOf(request));
    const location = `/v2/${repository}/blobs/uploads/${id}`;
    if (request.method === 'PATCH') return void response.writeHead(202, { location }).end();
    this.#uploads.delete(id);
    const bytes = Buffer.concat(upload.chunks);
    const digest = url.searchParams.get('digest') ?? '';
    if (digestOf(bytes) !== digest) return refuse(response, 400, 'DIGEST_INVALID');
    this.plant(repository, digest, bytes);
    response.writeHead(201, { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest }).end();
  }

  #startUpload(response: ServerResponse, repository: string, url: URL): void {
    const mount = url.searchParams.get('mount') ?? '';
    const from = url.searchParams.get('from') ?? '';
    if (this.#repositories.get(from)?.blobs.has(mount)) {
      this.#repository(repository).blobs.add(mount);
      return void response.writeHead(201, { location: `/v2/${repository}/blobs/${mount}` }).end();
    }
    const id = randomUUID();
    this.#uploads.set(id, { repository, chunks: [] });
    response.writeHead(202, { location: `/v2/${repository}/blobs/uploads/${id}?state=fake` }).end();
  }

  async #manifest(request: IncomingMessage, response: ServerResponse, name: string, reference: string): Promise<void> {
    const repository = this.#repository(name);
    if (request.method === 'PUT') return this.#putManifest(request, response, repository, reference);
    const digest = repository.tags.get(reference) ?? reference;
    const found = repository.manifests.get(digest);
    if (found === undefined) return refuse(response, 404, 'MANIFEST_UNKNOWN');
    const { type, bytes } = found;
    response.writeHead(200, { 'content-type': type, 'content-length': bytes.length, 'docker-content-digest': digest });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  async #putManifest(
    request: IncomingMessage,
    response: ServerResponse,
    repository: Repository,
    reference: string,
  ): Promise<void> {
    const bytes = await bytesOf(request);
    if (bytes.length > 4 * 1024 * 1024) return refuse(response, 413, 'SIZE_INVALID');
    const value = JSON.parse(bytes.toString('utf8'));
    const type = request.headers['content-type'];
    if (type === undefined || (value.mediaType !== undefined && value.mediaType !== type)) {
      return refuse(response, 400, 'MANIFEST_INVALID');
    }
    const blobs: { digest: string }[] = [value.config, ...(value.layers ?? [])].filter((item) => item !== undefined);
    const missing = blobs.find(({ digest }) => !repository.blobs.has(digest));
    if (missing !== undefined) return refuse(response, 404, 'MANIFEST_BLOB_UNKNOWN', missing.digest);
    const children: { digest: string }[] = value.manifests ?? [];
    const absent = children.find(({ digest }) => !repository.manifests.has(digest));
    if (absent !== undefined) return refuse(response, 404, 'MANIFEST_UNKNOWN', absent.digest);
    const digest = digestOf(bytes);
    if (reference.startsWith('sha256:') && reference !== digest) return refuse(response, 400, 'DIGEST_INVALID');
    repository.manifests.set(digest, { type, bytes });
    if (reference !== digest) repository.tags.set(reference, digest);
    response.writeHead(201, { 'docker-content-digest': digest }).end();
  }
}

function refuse(response: ServerResponse, status: number, code: string, message = code.toLowerCase()): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
