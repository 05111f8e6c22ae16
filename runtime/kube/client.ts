import type { IncomingMessage } from 'node:http';
import type { HttpResponse } from '../http.ts';
import type { RetryPolicy } from '../retry.ts';
import { type KubeConfig, type KubeConfigOptions, loadKubeConfig } from './config.ts';
import { apiVersionOf, type KubeObject, pathOf, pods, type Resource } from './resource.ts';
import { type Attempt, errorOfStatus } from './status.ts';

/** An API server that restarts is away for some seconds, an upgrade for a minute: about 90 s of tries. */
const patience: RetryPolicy = { attempts: 20, baseMs: 100, capMs: 10_000 };

export interface ListOptions {
  fieldSelector?: string;
  labelSelector?: string;
}

export interface ObjectList<T> {
  items: T[];
  metadata: { resourceVersion: string };
}

export interface LogOptions {
  container: string;
  follow?: boolean;
  /** RFC 3339; lines before it are left out. */
  sinceTime?: string;
  /** Each line begins with its time (RFC 3339, ns) and a space. */
  timestamps?: boolean;
}

/** Requests to the API server. Objects are given as the server sent them. */
export class KubeClient {
  readonly #options: KubeConfigOptions;
  #config: Promise<KubeConfig> | undefined;
  /** Requests sent so far, retries not counted. */
  requests = 0;

  constructor(options: KubeConfigOptions) {
    this.#options = options;
  }

  /** @throws SubpipeError `INVALID` where no cluster is configured. */
  config(): Promise<KubeConfig> {
    this.#config ??= loadKubeConfig(this.#options);
    return this.#config;
  }

  /** @throws SubpipeError `NOT_FOUND`, `FORBIDDEN`, `UNAVAILABLE`. */
  async get<T extends KubeObject>(
    resource: Resource,
    namespace: string,
    name: string,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#json<T>({ verb: 'get', ...naming(resource), namespace, name }, pathOf(resource, namespace, name), {
      signal,
    });
  }

  async list<T extends KubeObject>(
    resource: Resource,
    namespace: string,
    options: ListOptions,
    signal?: AbortSignal,
  ): Promise<ObjectList<T>> {
    const path = `${pathOf(resource, namespace)}?${new URLSearchParams({ ...options })}`;
    return this.#json<ObjectList<T>>({ verb: 'list', ...naming(resource), namespace }, path, { signal });
  }

  /** @throws SubpipeError `CONFLICT` where the name is taken, `INVALID` where an admission webhook refuses it. */
  async create<T extends KubeObject>(
    resource: Resource,
    namespace: string,
    object: T,
    signal?: AbortSignal,
  ): Promise<T> {
    const body = JSON.stringify({ apiVersion: apiVersionOf(resource), kind: resource.kind, ...object });
    const attempt: Attempt = { verb: 'create', ...naming(resource), namespace, name: object.metadata.name };
    return this.#json<T>(attempt, pathOf(resource, namespace), {
      method: 'POST',
      body,
      type: 'application/json',
      signal,
    });
  }

  /** A JSON merge patch (RFC 7386). */
  async patch<T extends KubeObject>(
    resource: Resource,
    namespace: string,
    name: string,
    patch: unknown,
    signal?: AbortSignal,
  ): Promise<T> {
    const options = { method: 'PATCH', body: JSON.stringify(patch), type: 'application/merge-patch+json', signal };
    return this.#json<T>(
      { verb: 'patch', ...naming(resource), namespace, name },
      pathOf(resource, namespace, name),
      options,
    );
  }

  async delete(resource: Resource, namespace: string, name: string, signal?: AbortSignal): Promise<void> {
    await this.#json({ verb: 'delete', ...naming(resource), namespace, name }, pathOf(resource, namespace, name), {
      method: 'DELETE',
      signal,
    });
  }

  /** The log of one container as a stream of bytes. It ends with the container when followed. */
  async podLog(namespace: string, pod: string, options: LogOptions, signal?: AbortSignal): Promise<IncomingMessage> {
    const query = new URLSearchParams({ container: options.container, follow: String(options.follow ?? false) });
    if (options.sinceTime !== undefined) query.set('sinceTime', options.sinceTime);
    if (options.timestamps === true) query.set('timestamps', 'true');
    const path = `${pathOf(pods, namespace, pod, 'log')}?${query}`;
    // A step may be quiet for hours: no limit on silence.
    const response = await this.open({ verb: 'get', resource: 'pods/log', namespace, name: pod }, path, {
      signal,
      idleMs: 0,
    });
    return response.body;
  }

  /** One request; the response's body is the caller's to read. @throws SubpipeError for every status but 2xx. */
  async open(attempt: Attempt, path: string, options: OpenOptions): Promise<HttpResponse> {
    // A step makes its client whether it asks or not, and node:https is a third of a step's start.
    const { request } = await import('../http.ts');
    let config = await this.config();
    const send = async (): Promise<HttpResponse> => {
      this.requests++;
      return request({
        // A server behind a gateway has a path of its own: https://rancher/k8s/clusters/one.
        url: new URL(`${config.server.pathname.replace(/\/$/, '')}${path}`, config.server),
        method: options.method ?? 'GET',
        headers: {
          accept: 'application/json',
          ...(options.type === undefined ? {} : { 'content-type': options.type }),
          ...(await config.headers()),
        },
        ...(options.body === undefined ? {} : { body: options.body }),
        tls: config.tls,
        retry: options.retry ?? patience,
        redirects: 0,
        signal: options.signal,
        ...(options.idleMs === undefined ? {} : { idleMs: options.idleMs }),
      });
    };
    let response = await send();
    if (response.status === 401) {
      // The token may have been rotated between reading and sending it: read it again, once.
      response.body.destroy();
      this.#config = undefined;
      config = await this.config();
      response = await send();
    }
    if (response.status < 200 || response.status > 299) {
      throw errorOfStatus(response.status, await response.text(), attempt);
    }
    return response;
  }

  async #json<T>(attempt: Attempt, path: string, options: OpenOptions): Promise<T> {
    const response = await this.open(attempt, path, options);
    return JSON.parse(await response.text(64 * 1024 * 1024)) as T;
  }
}

export interface OpenOptions {
  method?: string;
  body?: string;
  type?: string;
  signal?: AbortSignal | undefined;
  idleMs?: number;
  retry?: RetryPolicy | false;
}

function naming(resource: Resource): { resource: string } {
  return { resource: resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}` };
}
