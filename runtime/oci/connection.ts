import { readFile } from 'node:fs/promises';
import { invalid, SubpipeError } from '../errors.ts';
import { type HttpRequest, type HttpResponse, request, usualAuthorities } from '../http.ts';
import type { RetryPolicy } from '../retry.ts';
import { Authorizer } from './auth.ts';
import type { Credentials } from './credential.ts';
import { loadCredentials } from './credentials.ts';
import { elsewhere, errorOf, type Refusal, readRefusal, withTlsHint } from './failure.ts';
import type { Mirror } from './mirrors.ts';
import type { ImageName } from './name.ts';

export interface RegistryOptions {
  /** Where credentials come from. Default: the docker config, see `loadCredentials`. */
  credentials?: Credentials;
  /** Speak HTTP without TLS. Default: with a loopback address, and where `insecure` names the registry. */
  plainHttp?: boolean;
  /** Hosts, with their ports, that speak HTTP without TLS, such as a storage service; `true` is all of them. Default: none. */
  insecure?: readonly string[] | undefined;
  /** PEM file with CAs that count beside the usual ones, for this registry and its token server. */
  caFile?: string;
  /** Where what is read may also be. Default: what `SUBPIPE_REGISTRY_MIRRORS` says, see `parseMirrors`. */
  mirrors?: readonly Mirror[];
  /** Hears what is worth a line in the log and no error: credentials that were refused, a mirror that failed. */
  warn?: (sentence: string) => void;
  /** How often a request is tried. Default: `defaultRetry`. */
  retry?: RetryPolicy;
  /** Ends the question for credentials, where a helper is asked. */
  signal?: AbortSignal | undefined;
}

export type Access = 'pull' | 'pull,push' | 'pull,push,delete';

export interface RegistryRequest extends Omit<HttpRequest, 'url' | 'tls' | 'redirects'> {
  /** One more repository that must be readable. */
  mountFrom?: string | undefined;
}

/** HTTP with one repository: addresses, redirects, authentication, and errors that say what the registry said. */
export class Connection {
  readonly name: string;
  readonly repository: string;
  readonly registry: string;
  /** Bytes that a request of an upload may have, once the registry has said so. */
  requestLimit: number | undefined;
  readonly #base: URL;
  readonly #authorizer: Authorizer;
  readonly #tls: HttpRequest['tls'];
  readonly #retry: RetryPolicy | undefined;
  readonly #insecure: RegistryOptions['insecure'];
  /** Answers of hosts that the registry led to. */
  readonly #elsewhere = new WeakMap<HttpResponse, string>();

  private constructor(name: ImageName, authorizer: Authorizer, plainHttp: boolean, options: Options) {
    this.registry = name.registry;
    this.repository = name.repository;
    this.name = `${name.registry}/${name.repository}`;
    const host = name.registry === 'docker.io' ? 'registry-1.docker.io' : name.registry;
    this.#base = new URL(`${plainHttp ? 'http' : 'https'}://${host}/v2/${name.repository}/`);
    this.#authorizer = authorizer;
    this.#tls = options.tls;
    this.#retry = options.retry;
    this.#insecure = options.insecure;
  }

  /** @throws SubpipeError `INVALID` when a file of credentials or CAs is not what it should be. */
  static async open(name: ImageName, options: RegistryOptions = {}): Promise<Connection> {
    const { registry } = name;
    const plainHttp = options.plainHttp ?? (isLoopback(registry) || isNamed(registry, options.insecure));
    const credentials = options.credentials ?? (await loadCredentials());
    const own = options.caFile === undefined ? undefined : await readAuthorities(options.caFile);
    const credential = await credentials(name.registry, name.repository, options.signal);
    const authorizer = new Authorizer(credential, { plainHttp, tls: own, warn: options.warn });
    return new Connection(name, authorizer, plainHttp, { tls: own, retry: options.retry, insecure: options.insecure });
  }

  /**
   * Sends a request, answers a 401 once, follows redirects of GET and HEAD, and returns every other status.
   * Credentials go to the registry's own address and to no other.
   *
   * @param path below `/v2/NAME/`, or a whole address that the registry gave as `Location`.
   */
  async send(path: string | URL, access: Access, input: RegistryRequest): Promise<HttpResponse> {
    const { mountFrom, ...rest } = input;
    const scopes = [`repository:${this.repository}:${access}`];
    if (mountFrom !== undefined) scopes.push(`repository:${mountFrom}:pull`);
    const scope = scopes.join(' ');
    let url = new URL(path, this.#base);
    let answered = false;
    for (let redirects = 0; ; ) {
      const ours = url.origin === this.#base.origin;
      const credentials = ours ? await this.#authorizer.header(scope, rest.signal) : {};
      const response = await this.#request({ ...rest, url, headers: { ...rest.headers, ...credentials } });
      const { location } = response.headers;
      if (redirected(response.status, rest.method) && location !== undefined && redirects < 5) {
        redirects += 1;
        await discard(response);
        url = this.resolve(location, url);
      } else {
        if (!ours) this.#elsewhere.set(response, url.host);
        if (response.status !== 401 || answered || !ours) return response;
        if (!(await this.#authorizer.answer(response, scope, rest.signal))) return response;
        answered = true;
        if (typeof rest.body === 'function') {
          // Half of a stream may be on its way: the connection is of no more use. Who gave the stream knows how to go on.
          response.body.destroy();
          throw new SubpipeError('UNAVAILABLE', `${this.name}: the token ran out`);
        }
        await discard(response);
      }
    }
  }

  async #request(input: HttpRequest & { url: URL }): Promise<HttpResponse> {
    const common = {
      ...(this.#tls === undefined ? {} : { tls: this.#tls }),
      ...(this.#retry === undefined ? {} : { retry: this.#retry }),
    };
    try {
      return await request({ ...common, ...input, redirects: 0 });
    } catch (error) {
      throw withTlsHint(error, input.url);
    }
  }

  /**
   * A `Location` or `Link` header as an address.
   *
   * @param from what was asked, as for {@link send}: the address may be relative to it (RFC 9110, section 10.2.2).
   * @throws SubpipeError `FAILED` when it is none, or leaves TLS.
   */
  resolve(location: string, from: string | URL): URL {
    const url = this.#address(location, new URL(from, this.#base));
    if (url.protocol === 'https:' || this.#base.protocol === 'http:' || isNamed(url.host, this.#insecure)) return url;
    throw new SubpipeError('FAILED', `${this.name} leads to ${url.host} without TLS`, {
      hint: `If that is meant to be so, allow plain HTTP (insecure or oci-insecure: ${url.host}).`,
    });
  }

  /** A registry behind a proxy that ends TLS often calls itself `http:`. */
  #address(location: string, from: URL): URL {
    const url = URL.parse(location, from);
    if (url === null)
      throw new SubpipeError('FAILED', `${this.name} leads to ${JSON.stringify(location.slice(0, 200))}: no address`);
    if (url.host === this.#base.host && this.#base.protocol === 'https:') url.protocol = 'https:';
    return url;
  }

  /** The error for a status that was not hoped for. Reads the body for the registry's own words. */
  async failure(response: HttpResponse, doing: string): Promise<SubpipeError> {
    const refusal = await readRefusal(response);
    const host = this.#elsewhere.get(response);
    if (host === undefined) return this.refused(refusal, doing);
    return elsewhere(refusal, this.name, doing, host);
  }

  /** The error for a refusal that was read already. */
  refused(refusal: Refusal, doing: string): SubpipeError {
    return errorOf(refusal, this.registry, this.repository, doing, this.#authorizer.describe());
  }
}

interface Options {
  tls: HttpRequest['tls'];
  retry: RetryPolicy | undefined;
  insecure: RegistryOptions['insecure'];
}

function redirected(status: number, method = 'GET'): boolean {
  return [301, 302, 303, 307, 308].includes(status) && (method === 'GET' || method === 'HEAD');
}

async function readAuthorities(path: string): Promise<NonNullable<HttpRequest['tls']>> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw invalid(`the CA file ${path} cannot be read`, { cause });
  });
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw invalid(`the CA file ${path} has no certificate: expected PEM, "-----BEGIN CERTIFICATE-----"`);
  }
  return { ca: [...usualAuthorities(), text] };
}

/** Reads a body to its end, so that the connection can be used again. */
export async function discard(response: HttpResponse): Promise<void> {
  await response.text(1024 * 1024).catch(() => {});
}

/** Whether `HOST[:PORT]` is this machine: there, and only there, plain HTTP needs no flag. */
export function isLoopback(registry: string): boolean {
  const host = registry.replace(/:\d+$/, '');
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function isNamed(host: string, hosts: readonly string[] = []): boolean {
  return hosts.includes(host) || hosts.includes('true');
}
