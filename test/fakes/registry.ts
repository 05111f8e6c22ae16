import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { FakeAuth, type FakeAuthOptions } from './registry-auth.ts';
import type { Quirks } from './registry-quirks.ts';
import { FakeUploads } from './registry-uploads.ts';

export interface FakeRegistryOptions {
  /** Ask for these. Default: nothing. */
  auth?: FakeAuthOptions;
  /** Seconds that a bearer token is good for. Default 300. */
  tokenLifetime?: number;
  /** Return true to have answered in the registry's place: for faults and hostile answers. */
  intercept?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
  /** What it does beside the specification. */
  quirks?: Quirks;
  /** Speaks TLS with it. */
  certificate?: { key: string; cert: string };
}

interface Manifest {
  type: string;
  bytes: Buffer;
}

interface Repository {
  blobs: Set<string>;
  manifests: Map<string, Manifest>;
  tags: Map<string, string>;
}

/** What was asked, in order: `PUT /v2/a/b/manifests/v1 201`. */
export type RequestLog = string[];

const indexType = 'application/vnd.oci.image.index.v1+json';

/**
 * An OCI registry in memory (distribution-spec v1.1), as strict as real ones: it verifies digests, refuses manifests
 * whose blobs are missing or that are over 4 MiB, checks the scope of tokens, and mounts only what it has.
 */
export class FakeRegistry {
  readonly requests: RequestLog = [];
  /** The `Authorization` headers that came, in the order of requests; empty where there was none. */
  readonly authorizations: string[] = [];
  readonly auth: FakeAuth;
  readonly #options: FakeRegistryOptions;
  readonly #quirks: Quirks;
  readonly #server: http.Server;
  readonly #blobs = new Map<string, Buffer>();
  readonly #repositories = new Map<string, Repository>();
  readonly #uploads: FakeUploads;

  private constructor(options: FakeRegistryOptions) {
    this.#options = options;
    this.#quirks = options.quirks ?? {};
    this.auth = new FakeAuth(options.auth, options.tokenLifetime ?? 300);
    const store = (repository: string, digest: string, bytes: Buffer) => {
      if (digestOf(bytes) !== digest) return false;
      this.plant(repository, digest, bytes);
      return true;
    };
    this.#uploads = new FakeUploads(this.#quirks, store, refuse);
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      this.#handle(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else response.writeHead(500).end(String(error));
      });
    };
    const { certificate } = options;
    this.#server = certificate === undefined ? http.createServer(listener) : https.createServer(certificate, listener);
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

  /** Makes a repository that is empty, for those that want it first. */
  create(repository: string): void {
    this.#repository(repository);
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
    this.authorizations.push(request.headers.authorization ?? '');
    if ((await this.#options.intercept?.(request, response)) === true) return;
    const url = new URL(request.url ?? '/', 'http://registry');
    if (url.pathname === '/token') {
      if (this.#givesNoToken(url)) return refuse(response, 403, 'DENIED');
      return this.auth.token(request, response, url);
    }
    const match = /^\/v2\/(?:(.+)\/(blobs|manifests|tags|referrers)\/(.+))?$/.exec(url.pathname);
    if (match === null) return refuse(response, 404, 'NAME_UNKNOWN');
    const [, name = '', kind, reference = ''] = match;
    const action = actionOf(request.method, kind, reference);
    if (!this.auth.allowed(request, name, action)) {
      const scheme = this.#options.certificate === undefined ? 'http' : 'https';
      this.auth.challenge(response, `${scheme}://${this.host}`, name, action);
      return refuse(response, 401, 'UNAUTHORIZED');
    }
    if (kind === undefined) return void response.writeHead(200).end('{}');
    const { hidesMissing } = this.#quirks;
    const isHidden = hidesMissing !== undefined && action === 'pull' && !this.#repositories.has(name);
    if (isHidden && !this.auth.allowed(request, name, 'push')) {
      const scheme = this.#options.certificate === undefined ? 'http' : 'https';
      this.auth.challenge(response, `${scheme}://${this.host}`, name, action);
      return refuse(response, hidesMissing === 401 ? 401 : 403, 'DENIED', 'requested access to the resource is denied');
    }
    if (action === 'push' && this.#quirks.ecr && !this.#repositories.has(name)) {
      return refuse(response, 404, 'NAME_UNKNOWN', `The repository with name '${name}' does not exist`);
    }
    if (kind === 'tags') return this.#listTags(response, name, url);
    if (kind === 'referrers') return this.#referrers(response, name, reference, url);
    if (kind === 'manifests') return this.#manifest(request, response, name, reference);
    if (!reference.startsWith('uploads/')) return this.#blob(request, response, name, reference);
    if (request.method === 'POST') return this.#startUpload(request, response, name, url);
    return this.#uploads.handle(request, response, name, url);
  }

  /** GHCR's way to hide a repository. */
  #givesNoToken(url: URL): boolean {
    if (this.#quirks.hidesMissing !== 'token') return false;
    return url.searchParams.getAll('scope').some((scope) => {
      const [, name = '', actions = ''] = scope.split(':');
      return actions === 'pull' && !this.#repositories.has(name);
    });
  }

  async #blob(request: IncomingMessage, response: ServerResponse, repository: string, digest: string): Promise<void> {
    const bytes = this.#repositories.get(repository)?.blobs.has(digest) ? this.#blobs.get(digest) : undefined;
    if (bytes === undefined) return refuse(response, 404, 'BLOB_UNKNOWN');
    const { storage, noRanges, cutDownloads } = this.#quirks;
    if (request.method === 'GET' && storage !== undefined) {
      return void response.writeHead(307, { location: `http://${storage}/v2/${repository}/blobs/${digest}` }).end();
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const from = range === null || noRanges ? 0 : Number(range[1]);
    const to = range === null || noRanges || range[2] === '' ? bytes.length : Number(range[2]) + 1;
    if (from >= bytes.length && from > 0) return refuse(response, 416, 'RANGE_INVALID');
    const part = bytes.subarray(from, to);
    const partial = range !== null && !noRanges;
    response.writeHead(partial ? 206 : 200, {
      'content-length': part.length,
      'docker-content-digest': digest,
      ...(partial ? { 'content-range': `bytes ${from}-${from + part.length - 1}/${bytes.length}` } : {}),
    });
    if (request.method === 'HEAD') return void response.end();
    if (cutDownloads === undefined || cutDownloads.times <= 0) return void response.end(part);
    cutDownloads.times -= 1;
    // The rest of a turn, so that what was written gets out.
    response.write(part.subarray(0, cutDownloads.after), () => setTimeout(() => response.destroy(), 20));
  }

  async #startUpload(request: IncomingMessage, response: ServerResponse, repository: string, url: URL): Promise<void> {
    const mount = url.searchParams.get('mount');
    const { mountAnswer } = this.#quirks;
    if (mount !== null && mountAnswer !== undefined && mountAnswer !== 202) {
      return refuse(response, mountAnswer, 'DENIED');
    }
    const source = url.searchParams.get('from') ?? '';
    // What may not be read is not mounted: an upload begins, as if it was not there.
    const from = this.auth.allowed(request, source, 'pull') ? this.#repositories.get(source) : undefined;
    if (mount !== null && mountAnswer === undefined && from?.blobs.has(mount)) {
      this.#repository(repository).blobs.add(mount);
      return void response.writeHead(201, { location: `/v2/${repository}/blobs/${mount}` }).end();
    }
    this.#uploads.start(response, repository);
  }

  async #listTags(response: ServerResponse, name: string, url: URL): Promise<void> {
    const found = this.#repositories.get(name);
    if (found === undefined) return refuse(response, 404, 'NAME_UNKNOWN');
    const last = url.searchParams.get('last') ?? '';
    const after = [...found.tags.keys()].sort().filter((tag) => tag > last);
    const page = after.slice(0, this.#quirks.pageSize ?? after.length);
    const next = `</v2/${name}/tags/list?n=${page.length}&last=${page.at(-1)}>; rel="next"`;
    response.writeHead(200, page.length < after.length ? { link: next } : {});
    response.end(JSON.stringify({ name, tags: page }));
  }

  async #referrers(response: ServerResponse, name: string, subject: string, url: URL): Promise<void> {
    if (this.#quirks.noReferrers) return refuse(response, 404, 'NOT_FOUND');
    const manifests = [...this.#repository(name).manifests].flatMap(([digest, { type, bytes }]) => {
      const value = JSON.parse(bytes.toString('utf8'));
      if (value.subject?.digest !== subject) return [];
      const artifactType = value.artifactType ?? value.config?.mediaType;
      return [{ mediaType: type, digest, size: bytes.length, artifactType, annotations: value.annotations }];
    });
    const from = Number(url.searchParams.get('from') ?? 0);
    const to = from + (this.#quirks.pageSize ?? manifests.length);
    const next = `</v2/${name}/referrers/${subject}?from=${to}>; rel="next"`;
    response.writeHead(200, { 'content-type': indexType, ...(to < manifests.length ? { link: next } : {}) });
    response.end(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: manifests.slice(from, to) }));
  }

  async #manifest(request: IncomingMessage, response: ServerResponse, name: string, reference: string): Promise<void> {
    if (request.method === 'PUT') return this.#putManifest(request, response, this.#repository(name), reference);
    const repository = this.#repositories.get(name);
    if (repository === undefined) return refuse(response, 404, 'NAME_UNKNOWN');
    if (request.method === 'DELETE') return this.#deleteManifest(response, repository, reference);
    const digest = repository.tags.get(reference) ?? reference;
    const found = repository.manifests.get(digest);
    if (found === undefined) return refuse(response, 404, 'MANIFEST_UNKNOWN');
    const { type, bytes } = found;
    response.writeHead(200, { 'content-type': type, 'content-length': bytes.length, 'docker-content-digest': digest });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  async #deleteManifest(response: ServerResponse, repository: Repository, reference: string): Promise<void> {
    const byDigest = reference.startsWith('sha256:');
    const { deletion = 'all' } = this.#quirks;
    if (deletion === 'none' || (deletion === 'digest' && !byDigest)) return refuse(response, 405, 'UNSUPPORTED');
    const existed = byDigest ? repository.manifests.delete(reference) : repository.tags.delete(reference);
    if (byDigest) for (const [tag, at] of repository.tags) if (at === reference) repository.tags.delete(tag);
    if (!existed) return refuse(response, 404, 'MANIFEST_UNKNOWN');
    response.writeHead(202).end();
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
    if (this.#quirks.refusesArtifacts && value.artifactType !== undefined) {
      return refuse(response, 415, 'MANIFEST_INVALID', 'manifest schema version not supported');
    }
    const blobs: { digest: string }[] = [value.config, ...(value.layers ?? [])].filter((item) => item !== undefined);
    const isLate = (this.#quirks.lateBlobs ?? 0) > 0;
    if (isLate) this.#quirks.lateBlobs = (this.#quirks.lateBlobs ?? 0) - 1;
    const missing = blobs.find(({ digest }) => isLate || !repository.blobs.has(digest));
    if (missing !== undefined) return refuse(response, 404, 'MANIFEST_BLOB_UNKNOWN', missing.digest);
    const children: { digest: string }[] = value.manifests ?? [];
    const absent = children.find(({ digest }) => !repository.manifests.has(digest));
    if (absent !== undefined) return refuse(response, 404, 'MANIFEST_UNKNOWN', absent.digest);
    const digest = digestOf(bytes);
    if (reference.startsWith('sha256:') && reference !== digest) return refuse(response, 400, 'DIGEST_INVALID');
    repository.manifests.set(digest, { type, bytes });
    if (reference !== digest) repository.tags.set(reference, digest);
    const knows = value.subject !== undefined && !this.#quirks.noReferrers;
    response.writeHead(201, {
      'docker-content-digest': digest,
      ...(knows ? { 'oci-subject': value.subject.digest } : {}),
    });
    response.end();
  }
}

/** What a token must allow. Uploads are also asked about, which only who writes may. */
function actionOf(method: string | undefined, kind: string | undefined, reference: string): string {
  if (kind === 'manifests' && method === 'DELETE') return 'delete';
  const reads = (method === 'GET' || method === 'HEAD') && !reference.startsWith('uploads/');
  return reads ? 'pull' : 'push';
}

function refuse(response: ServerResponse, status: number, code: string, message = code.toLowerCase()): void {
  if (response.destroyed) return;
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
