import { randomUUID } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { apiVersionOf, type KubeObject, type Resource } from '../../runtime/kube/resource.ts';
import { isFields } from '../../runtime/shape.ts';
import { type Certificate, selfSigned } from '../support/certificate.ts';
import { PodLogs } from './pod-logs.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete';

/** One request as the server saw it. */
export interface SeenRequest {
  verb: Verb;
  /** The plural, with `/log` behind it for a pod's log. */
  resource: string;
  namespace: string;
  name: string | undefined;
  query: URLSearchParams;
  /** The `Authorization` header. */
  credentials: string | undefined;
  body: unknown;
}

/** Which requests something is meant for; an unset field fits all. */
export interface Match {
  verb?: Verb;
  resource?: string;
  name?: string;
}

interface Change {
  version: number;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  plural: string;
  namespace: string;
  object: KubeObject;
  before: KubeObject | undefined;
}

interface Watcher {
  plural: string;
  namespace: string;
  fits(object: KubeObject): boolean;
  response: ServerResponse;
}

/** What a request that is told to fail gets in place of its answer. */
export interface Failure {
  status: number;
  message?: string;
  headers?: Record<string, string>;
  /** The request is done all the same, and its answer lost: the connection is cut. */
  lost?: boolean;
}

export interface FakeKubeOptions {
  /** HTTPS with a certificate of its own, see `ca`. */
  tls?: boolean;
  /** What stands before `/api`, as behind Rancher: `/k8s/clusters/one`. */
  base?: string;
  /** Ms that a second of `timeoutSeconds` takes: 1 makes ten minutes pass in 0.6 s. */
  secondMs?: number;
}

/**
 * A small Kubernetes API server on a free port of the loopback: objects with resource versions, create, get, list, merge
 * patch, delete, watch and pod logs (Kubernetes API concepts). It can be told to do what a real one does now and then.
 */
export class FakeKube implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  readonly logs = new PodLogs();
  /** Refuses all other tokens with 401. */
  token: string | undefined;
  /** Watches get neither events nor bookmarks, but stay open. */
  silent = false;
  /** How a version that is too old is refused: a status, or an event of a watch that has begun. */
  gone: 'status' | 'event' = 'event';
  /** An admission webhook: the text refuses the object. */
  admission: ((object: KubeObject, verb: 'create' | 'patch') => string | undefined) | undefined;
  /** What a watch gets as its first line instead of events, once. */
  errorEvent: { code: number; message: string } | undefined;
  /** Watches that are ended as soon as they have begun, with a good status and no event. */
  emptyWatches = 0;

  readonly #options: FakeKubeOptions;
  readonly #certificate: Certificate | undefined;
  readonly #objects = new Map<string, KubeObject>();
  readonly #changes: Change[] = [];
  readonly #watchers = new Set<Watcher>();
  readonly #sockets = new Set<Socket>();
  readonly #failures: { match: Match; failure: Failure; times: number }[] = [];
  readonly #forbidden: Match[] = [];
  readonly #waiting = new Set<() => void>();
  #server: http.Server | undefined;
  #port = 0;
  #version = 1000;
  #compacted = 0;

  private constructor(options: FakeKubeOptions) {
    this.#options = options;
    this.#certificate = options.tls === true ? selfSigned() : undefined;
  }

  static async start(options: FakeKubeOptions = {}): Promise<FakeKube> {
    const kube = new FakeKube(options);
    await kube.listen();
    return kube;
  }

  get url(): string {
    return `${this.#certificate === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port}${this.#options.base ?? ''}`;
  }

  get port(): number {
    return this.#port;
  }

  get ca(): string | undefined {
    return this.#certificate?.cert;
  }

  /** A kubeconfig for this server, as JSON, which is YAML. */
  kubeconfig(options: { user?: Record<string, unknown>; namespace?: string } = {}): string {
    const { user = {}, namespace = 'ci' } = options;
    // client-node takes http only with this.
    const ca =
      this.ca === undefined
        ? { 'insecure-skip-tls-verify': true }
        : { 'certificate-authority-data': Buffer.from(this.ca).toString('base64') };
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'fake', user: 'tester', namespace } }],
      clusters: [{ name: 'fake', cluster: { server: this.url, ...ca } }],
      users: [{ name: 'tester', user }],
    });
  }

  /** Begins to listen, on the same port as before where there was one. */
  async listen(): Promise<void> {
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    };
    const server =
      this.#certificate === undefined ? http.createServer(answer) : https.createServer(this.#certificate, answer);
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject).listen(this.#port, '127.0.0.1', resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Goes away: every connection is cut, and new ones are refused. Objects stay. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#watchers.clear();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  // What a controller or a user does beside the client under test.

  /** Puts an object there, with what the server adds to it. */
  add<T extends KubeObject>(resource: Resource, object: T): T {
    const namespace = object.metadata.namespace ?? 'ci';
    const whole = {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      ...object,
      metadata: {
        uid: randomUUID(),
        creationTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
        ...object.metadata,
        namespace,
      },
    };
    return this.#store(resource.plural, whole, 'ADDED') as T;
  }

  /** The object as it is stored now. */
  find<T extends KubeObject>(resource: Resource, name: string, namespace = 'ci'): T | undefined {
    const found = this.#objects.get(keyOf(resource.plural, namespace, name));
    return found === undefined ? undefined : (structuredClone(found) as T);
  }

  all<T extends KubeObject>(resource: Resource): T[] {
    return [...this.#objects].filter(([key]) => key.startsWith(`${resource.plural}/`)).map(([, value]) => value as T);
  }

  /** Changes an object as a controller's update does. */
  update<T extends KubeObject>(resource: Resource, name: string, change: (object: T) => void, namespace = 'ci'): T {
    const object = this.find<T>(resource, name, namespace);
    if (object === undefined) throw new Error(`the fake has no ${resource.plural} ${name}`);
    change(object);
    return this.#store(resource.plural, object, 'MODIFIED') as T;
  }

  remove(resource: Resource, name: string, namespace = 'ci'): void {
    const key = keyOf(resource.plural, namespace, name);
    const object = this.#objects.get(key);
    if (object === undefined) throw new Error(`the fake has no ${resource.plural} ${name}`);
    this.#objects.delete(key);
    this.#publish('DELETED', resource.plural, object, object);
  }

  // Misbehaviour of real servers.

  /** The next `times` requests that fit get this instead of an answer. */
  fail(match: Match, failure: Failure, times = 1): void {
    this.#failures.push({ match, failure, times });
  }

  /** RBAC without a rule for these requests. */
  forbid(match: Match): void {
    this.#forbidden.push(match);
  }

  /** Cuts the connections of all watches, as a load balancer does. */
  cutWatches(): void {
    for (const { response } of this.#watchers) response.destroy();
  }

  /** Forgets all versions up to now (etcd's compaction) and cuts the watches. */
  compact(): void {
    this.#compacted = this.#version;
    this.cutWatches();
  }

  /** Sends a bookmark to every open watch. */
  bookmark(): void {
    for (const watcher of this.#watchers) this.#sendBookmark(watcher);
  }

  // What was asked of it.

  count(match: Match = {}): number {
    return this.requests.filter((request) => fitsRequest(match, request)).length;
  }

  get credentials(): Set<string | undefined> {
    return new Set(this.requests.map((request) => request.credentials));
  }

  get watching(): number {
    return this.#watchers.size;
  }

  /** Resolves as soon as `check` holds. It is asked after every request and every change. */
  async until(check: () => boolean, what = check.toString(), limitMs = 20_000): Promise<void> {
    if (check()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        const seen = this.requests.map(({ verb, resource, name }) => `${verb} ${resource} ${name ?? ''}`);
        reject(new Error(`not within ${limitMs} ms: ${what}; requests: ${seen.join(', ')}`));
      }, limitMs);
      const look = (): void => {
        if (!check()) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  /** Resolves when the n-th request that fits has come. */
  async seen(match: Match, times = 1): Promise<SeenRequest> {
    await this.until(() => this.count(match) >= times, `${times} × ${JSON.stringify(match)}`);
    const found = this.requests.filter((request) => fitsRequest(match, request))[times - 1];
    if (found === undefined) throw new Error('unreachable');
    return found;
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }

  #store(plural: string, object: KubeObject, type: 'ADDED' | 'MODIFIED'): KubeObject {
    const namespace = object.metadata.namespace ?? 'ci';
    const key = keyOf(plural, namespace, object.metadata.name);
    const before = this.#objects.get(key);
    const stored = structuredClone(object);
    stored.metadata.resourceVersion = String(++this.#version);
    this.#objects.set(key, stored);
    this.#publish(type, plural, stored, before);
    return structuredClone(stored);
  }

  #publish(type: Change['type'], plural: string, object: KubeObject, before: KubeObject | undefined): void {
    if (type === 'DELETED')
      object = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    const namespace = object.metadata.namespace ?? 'ci';
    const change: Change = { version: this.#version, type, plural, namespace, object, before };
    this.#changes.push(change);
    for (const watcher of this.#watchers) this.#send(watcher, change);
    this.#wake();
  }

  #send(watcher: Watcher, { type, plural, namespace, object, before }: Change): void {
    if (this.silent || watcher.plural !== plural || watcher.namespace !== namespace) return;
    const was = before !== undefined && type !== 'ADDED' && watcher.fits(before);
    const is = type !== 'DELETED' && watcher.fits(object);
    if (!was && !is) return;
    const seen = is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED';
    watcher.response.write(`${JSON.stringify({ type: seen, object })}\n`);
  }

  #sendBookmark({ response, plural }: Watcher): void {
    if (this.silent) return;
    const object = { kind: plural, apiVersion: 'v1', metadata: { resourceVersion: String(this.#version) } };
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(message.url ?? '/', this.url);
    const base = this.#options.base ?? '';
    const place =
      /^(?:\/api\/v1|\/apis\/[^/]+\/[^/]+)\/namespaces\/(?<namespace>[^/]+)\/(?<plural>[^/]+)(?:\/(?<name>[^/]+)(?:\/(?<sub>[^/]+))?)?$/.exec(
        url.pathname.startsWith(base) ? url.pathname.slice(base.length) : '',
      )?.groups;
    if (place === undefined)
      return refuse(response, 404, 'NotFound', 'the server could not find the requested resource');
    const { namespace = '', plural = '', name, sub } = place;
    const text = await textOf(message);
    const seen: SeenRequest = {
      verb: verbOf(message.method, name, url.searchParams),
      resource: sub === undefined ? plural : `${plural}/${sub}`,
      namespace,
      name,
      query: url.searchParams,
      credentials: message.headers.authorization,
      body: text === '' ? undefined : JSON.parse(text),
    };
    this.requests.push(seen);
    try {
      if (this.#refusal(seen, message, response)) return;
      if (sub === 'log') this.logs.answer(namespace, name ?? '', url.searchParams, response);
      else this.#serve(seen, message.headers['content-type'], response);
    } finally {
      this.#wake();
    }
  }

  /** Authentication, authorization, and what the test asked for. */
  #refusal(seen: SeenRequest, message: IncomingMessage, response: ServerResponse): boolean {
    if (this.token !== undefined && seen.credentials !== `Bearer ${this.token}`) {
      refuse(response, 401, 'Unauthorized', 'Unauthorized');
      return true;
    }
    if (this.#forbidden.some((match) => fitsRequest(match, seen))) {
      const named = seen.name === undefined ? '' : ` "${seen.name}"`;
      const group = /^\/apis\/([^/]+)/.exec(message.url ?? '')?.[1] ?? '';
      refuse(
        response,
        403,
        'Forbidden',
        `${seen.resource.split('/')[0]}${group === '' ? '' : `.${group}`}${named} is forbidden: User "system:serviceaccount:ci:default" cannot ${seen.verb} resource "${seen.resource}" in API group "${group}" in the namespace "${seen.namespace}"`,
      );
      return true;
    }
    const planned = this.#failures.find(({ match, times }) => times > 0 && fitsRequest(match, seen));
    if (planned === undefined) return false;
    planned.times--;
    const { status, message: said, headers, lost } = planned.failure;
    if (lost === true) {
      response.write = () => true;
      this.#serve(seen, message.headers['content-type'], response, () => message.socket.destroy());
      return true;
    }
    for (const [header, value] of Object.entries(headers ?? {})) response.setHeader(header, value);
    refuse(response, status, http.STATUS_CODES[status]?.replaceAll(' ', '') ?? '', said ?? `planned failure ${status}`);
    return true;
  }

  #serve(seen: SeenRequest, type: string | undefined, response: ServerResponse, lose?: () => void) {
    const { verb, resource: plural, namespace, name = '', query, body } = seen;
    const found = this.#objects.get(keyOf(plural, namespace, name));
    const reply = (status: number, value: unknown): void =>
      lose === undefined ? json(response, status, value) : lose();
    const missing = (): void => refuse(response, 404, 'NotFound', `${plural} "${name}" not found`);
    switch (verb) {
      case 'get':
        return found === undefined ? missing() : reply(200, found);
      case 'list': {
        const fits = selector(query);
        const items = [...this.#objects]
          .filter(([key, object]) => key.startsWith(`${plural}/${namespace}/`) && fits(object))
          .map(([, object]) => object);
        return reply(200, { kind: 'List', metadata: { resourceVersion: String(this.#version) }, items });
      }
      case 'create':
        return this.#create(seen, response, reply);
      case 'patch': {
        if (type !== 'application/merge-patch+json')
          return refuse(response, 415, 'UnsupportedMediaType', `the body of the request was in an unknown format`);
        if (found === undefined) return missing();
        const patched = mergePatch(found, body) as KubeObject;
        const denied = this.admission?.(patched, 'patch');
        if (denied !== undefined) return refuse(response, 400, 'BadRequest', denial(denied));
        return reply(200, this.#store(plural, patched, 'MODIFIED'));
      }
      case 'delete':
        if (found === undefined) return missing();
        this.#objects.delete(keyOf(plural, namespace, name));
        this.#publish('DELETED', plural, found, found);
        return reply(200, { kind: 'Status', status: 'Success' });
      case 'watch':
        return this.#watch(seen, response);
      default:
        return verb satisfies never;
    }
  }

  #create(seen: SeenRequest, response: ServerResponse, reply: (status: number, value: unknown) => void) {
    const { resource: plural, namespace, body } = seen;
    if (!isFields(body) || !isFields(body.metadata) || typeof body.metadata.name !== 'string')
      return refuse(response, 422, 'Invalid', 'metadata.name: Required value: name or generateName is required');
    const object = body as unknown as KubeObject;
    const given = object.metadata.namespace ?? namespace;
    if (given !== namespace)
      return refuse(
        response,
        400,
        'BadRequest',
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    const denied = this.admission?.(object, 'create');
    if (denied !== undefined) return refuse(response, 400, 'BadRequest', denial(denied));
    if (this.#objects.has(keyOf(plural, namespace, object.metadata.name)))
      return refuse(response, 409, 'AlreadyExists', `${plural} "${object.metadata.name}" already exists`);
    const metadata = {
      ...object.metadata,
      namespace,
      uid: randomUUID(),
      creationTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
    };
    reply(201, this.#store(plural, { ...object, metadata }, 'ADDED'));
  }

  #watch({ resource: plural, namespace, query }: SeenRequest, response: ServerResponse) {
    const since = Number(query.get('resourceVersion') ?? '0');
    const tooOld = since > 0 && since < this.#compacted;
    const expired = `too old resource version: ${since} (${this.#version})`;
    if (tooOld && this.gone === 'status') return refuse(response, 410, 'Expired', expired);
    response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
    response.flushHeaders();
    const error = tooOld ? { code: 410, message: expired } : this.errorEvent;
    if (error !== undefined) {
      if (!tooOld) this.errorEvent = undefined;
      response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', status: 'Failure', ...error } })}\n`);
      return;
    }
    if (this.emptyWatches > 0) {
      this.emptyWatches--;
      response.end();
      return;
    }
    const watcher: Watcher = { plural, namespace, fits: selector(query), response };
    const present = since > 0 ? [] : [...this.#objects].filter(([key]) => key.startsWith(`${plural}/${namespace}/`));
    for (const [, object] of present) {
      const change = { version: 0, type: 'ADDED' as const, plural, namespace, object, before: undefined };
      this.#send(watcher, change);
    }
    if (since > 0) for (const change of this.#changes) if (change.version > since) this.#send(watcher, change);
    this.#watchers.add(watcher);
    const length = Number(query.get('timeoutSeconds') ?? '1800') * (this.#options.secondMs ?? 1000);
    // A real server sends a last bookmark before it ends a watch.
    const end = setTimeout(() => {
      if (query.get('allowWatchBookmarks') === 'true') this.#sendBookmark(watcher);
      response.end();
    }, length);
    response.on('close', () => {
      clearTimeout(end);
      this.#watchers.delete(watcher);
      this.#wake();
    });
  }
}

function keyOf(plural: string, namespace: string, name: string): string {
  return `${plural}/${namespace}/${name}`;
}

function fitsRequest(match: Match, request: SeenRequest): boolean {
  return (
    (match.verb === undefined || match.verb === request.verb) &&
    (match.resource === undefined || match.resource === request.resource) &&
    (match.name === undefined || match.name === request.name)
  );
}

function verbOf(method: string | undefined, name: string | undefined, query: URLSearchParams): Verb {
  if (method === 'POST') return 'create';
  if (method === 'PATCH') return 'patch';
  if (method === 'DELETE') return 'delete';
  if (name !== undefined) return 'get';
  return query.get('watch') === 'true' ? 'watch' : 'list';
}

/** `fieldSelector=metadata.name=x`; equality, `in` and existence in `labelSelector`: all that anything here asks for. */
function selector(query: URLSearchParams): (object: KubeObject) => boolean {
  const name = /^metadata\.name=(.+)$/.exec(query.get('fieldSelector') ?? '')?.[1];
  const parts = (query.get('labelSelector') ?? '').match(/[^,(]+(?:\([^)]*\))?/g) ?? [];
  return ({ metadata }) =>
    (name === undefined || metadata.name === name) &&
    parts.every((part) => {
      const {
        key = '',
        value,
        values,
      } = /^(?<key>[^= ]+)(?:=(?<value>.*)| in \((?<values>.*)\))?$/.exec(part)?.groups ?? {};
      const label = metadata.labels?.[key];
      if (values !== undefined) return label !== undefined && values.split(',').includes(label);
      return value === undefined ? label !== undefined : label === value;
    });
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const merged: Record<string, unknown> = isFields(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

function denial(message: string): string {
  return `admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: validation failed: ${message}`;
}

function refuse(response: ServerResponse, code: number, reason: string, message: string): void {
  json(response, code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code });
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
