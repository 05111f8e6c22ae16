import { once } from 'node:events';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import type { KubeConfig } from '../../../runtime/kube/config.ts';
import type { Certificate } from '../../support/certificate.ts';

/** One request that went through. */
export interface Passed {
  method: string;
  /** With the query. */
  path: string;
}

/**
 * Stands between the processes that are measured and the API server, and counts: what anybody's client says of itself is
 * not asked. It passes everything on as it is, credentials included.
 */
export class ApiProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #passed: Passed[] = [];
  readonly #open = new Set<() => void>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(config: KubeConfig, { key, cert }: Certificate): Promise<ApiProxy> {
    const server = createServer({ key, cert });
    const proxy = new ApiProxy(server);
    // Without the administrator's client certificate: the API server must see the service account's token only.
    const { ca, servername, rejectUnauthorized } = config.tls;
    const tls = {
      ca,
      ...(servername === undefined ? {} : { servername }),
      rejectUnauthorized: rejectUnauthorized ?? true,
    };
    server.on('request', (incoming, outgoing) => {
      const { method = 'GET', url: path = '/', headers } = incoming;
      const { host: _host, ...rest } = headers;
      const onward = request(new URL(path, config.server), { method, headers: rest, ...tls }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        outgoing.flushHeaders();
        proxy.#note({ method, path });
        pipeline(answer, outgoing, () => {});
      });
      onward.on('error', () => outgoing.destroy());
      outgoing.on('close', () => onward.destroy());
      pipeline(incoming, onward, () => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What has been answered so far, in order. */
  get passed(): readonly Passed[] {
    return this.#passed;
  }

  /** Resolves when `test` holds of what was answered since request number `from`. */
  async until(from: number, test: (passed: readonly Passed[]) => boolean, ms = 60_000): Promise<void> {
    const late = performance.now() + ms;
    while (!test(this.#passed.slice(from))) {
      const left = late - performance.now();
      if (left <= 0) throw new Error('the requests that were expected did not come');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#open.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #note(passed: Passed): void {
    this.#passed.push(passed);
    for (const wake of this.#open) wake();
    this.#open.clear();
  }
}
