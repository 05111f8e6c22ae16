import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError, messageOf } from './errors.ts';
import { type Network, ports } from './network.ts';
import type { KubeObject } from './tekton.ts';

/** As little of the Kubernetes API as the harness needs: create, read, watch. */
export type Api = {
  get(path: string): Promise<unknown>;
  /** Creates the object; where there is one of that name, it stays as it is. */
  create(object: KubeObject, options?: { dryRun?: boolean }): Promise<void>;
  /** Watches a collection until an object in it is as wanted; the objects that are there already count too. */
  watchUntil(wait: Wait, signal: AbortSignal): Promise<void>;
  close(): void;
};

/** What to wait for: an object of the collection at the path that is as wanted, within a number of seconds. */
export type Wait = {
  what: string;
  path: string;
  seconds: number;
  isAsWanted: (object: Record<string, unknown>) => boolean;
};

/** Talks to the cluster's API server as its administrator, with the certificates in the state folder. */
export async function connect(state: string, network: Network): Promise<Api> {
  const file = (name: string) => readFile(join(state, 'pki', name));
  const [ca, cert, key] = await Promise.all([file('ca.crt'), file('admin.crt'), file('admin.key')]);
  const agent = new Agent({ ca, cert, key, keepAlive: true, maxSockets: 16 });
  const base: RequestOptions = { agent, host: network.node, port: ports.api };

  async function call(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
    const response = await send({ ...base, method, path, timeout: 30_000 }, body);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
  }

  async function watchOnce(path: string, isAsWanted: Wait['isAsWanted'], signal: AbortSignal): Promise<boolean> {
    const response = await send({ ...base, path, signal });
    try {
      for await (const event of lines(response)) {
        const { object } = JSON.parse(event) as { object?: Record<string, unknown> };
        if (object !== undefined && isAsWanted(object)) return true;
      }
      return false;
    } finally {
      response.destroy();
    }
  }

  return {
    async get(path) {
      const { status, text } = await call('GET', path);
      if (status !== 200)
        throw new ClusterError(`The API server answers GET ${path} with ${status}: ${sentenceOf(text)}`);
      return text.startsWith('{') ? JSON.parse(text) : text;
    },

    async create(object, options = {}) {
      const path = `${collectionOf(object)}${options.dryRun ? '?dryRun=All' : ''}`;
      const { status, text } = await call('POST', path, object);
      if (status === 201 || status === 200 || status === 409) return;
      throw new ClusterError(
        `The API server refuses ${object.kind} ${object.metadata.name} with ${status}: ${sentenceOf(text)}`,
      );
    },

    async watchUntil({ what, path, seconds, isAsWanted }, outer) {
      const late = AbortSignal.timeout(seconds * 1000);
      const signal = AbortSignal.any([outer, late]);
      try {
        while (!(await watchOnce(`${path}${path.includes('?') ? '&' : '?'}watch=true`, isAsWanted, signal))) {
          await sleep(200, undefined, { signal }); // The server ended the watch, as it does now and then.
        }
      } catch (error) {
        throw late.aborted ? new ClusterError(`Within ${seconds} s it did not come about that ${what}.`) : error;
      }
    },

    close: () => agent.destroy(),
  };
}

function send(options: RequestOptions, body?: unknown): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, headers: { 'content-type': 'application/json' } }, resolve);
    sent.once('error', reject);
    sent.once('timeout', () => sent.destroy(new Error('no answer in 30 s')));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function* lines(stream: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    const parts = (rest + String(chunk)).split('\n');
    rest = parts.pop() ?? '';
    yield* parts.filter((part) => part !== '');
  }
}

/** The path of the collection that an object belongs to. */
export function collectionOf({ apiVersion, kind, metadata }: KubeObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const lower = kind.toLowerCase();
  const plural = lower.endsWith('s') ? `${lower}es` : lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
  return metadata.namespace === undefined ? `${root}/${plural}` : `${root}/namespaces/${metadata.namespace}/${plural}`;
}

function sentenceOf(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'message' in value ? String(value.message) : text;
  } catch {
    return text.slice(0, 300);
  }
}

/** Asks again, every 50 ms, until the work succeeds; for what cannot be watched because nothing answers yet. */
export async function eventually(
  what: string,
  seconds: number,
  signal: AbortSignal,
  work: () => Promise<unknown>,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    signal.throwIfAborted();
    try {
      await work();
      return;
    } catch (error) {
      if (Date.now() > deadline)
        throw new ClusterError(`${what} did not answer within ${seconds} s`, { cause: messageOf(error) });
    }
    await sleep(50, undefined, { signal });
  }
}
