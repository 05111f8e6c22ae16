import { SubpipeError } from '../errors.ts';
import { type HttpRequest, type HttpResponse, request } from '../http.ts';
import { Authorizer } from './auth.ts';
import { type Credentials, loadCredentials } from './credentials.ts';
import { isRecord } from './manifest.ts';
import type { ImageName } from './name.ts';

export interface RegistryOptions {
  /** Where credentials come from. Default: the docker config, see `loadCredentials`. */
  credentials?: Credentials;
  /** Speak HTTP without TLS. Default: only with a loopback address. */
  plainHttp?: boolean;
}

export type Access = 'pull' | 'pull,push';

/** HTTP with one repository: addresses, authentication, and errors that say what the registry said. */
export class Connection {
  readonly name: string;
  readonly repository: string;
  readonly registry: string;
  readonly #base: URL;
  readonly #authorizer: Authorizer;

  private constructor(name: ImageName, plainHttp: boolean, credentials: Credentials) {
    this.registry = name.registry;
    this.repository = name.repository;
    this.name = `${name.registry}/${name.repository}`;
    const host = name.registry === 'docker.io' ? 'registry-1.docker.io' : name.registry;
    this.#base = new URL(`${plainHttp ? 'http' : 'https'}://${host}/v2/${name.repository}/`);
    this.#authorizer = new Authorizer(credentials(name.registry, name.repository), plainHttp);
  }

  static async open(name: ImageName, options: RegistryOptions = {}): Promise<Connection> {
    const plainHttp = options.plainHttp ?? isLoopback(name.registry);
    return new Connection(name, plainHttp, options.credentials ?? (await loadCredentials()));
  }

  /**
   * Sends a request, answers a 401 once, and returns every status.
   *
   * @param path below `/v2/NAME/`, or a whole address that the registry gave as `Location`.
   * @param mountFrom one more repository that must be readable.
   */
  async send(
    path: string | URL,
    access: Access,
    input: Omit<HttpRequest, 'url'> & { mountFrom?: string | undefined },
  ): Promise<HttpResponse> {
    const { mountFrom, ...rest } = input;
    const scopes = [`repository:${this.repository}:${access}`];
    if (mountFrom !== undefined) scopes.push(`repository:${mountFrom}:pull`);
    const scope = scopes.join(' ');
    const url = new URL(path, this.#base);
    for (let first = true; ; first = false) {
      // An upload's Location may be on another host (a storage service): our credentials stay here.
      const credentials = url.host === this.#base.host ? this.#authorizer.header(scope) : {};
      const response = await request({ ...rest, url, headers: { ...rest.headers, ...credentials } });
      if (response.status !== 401 || !first) return response;
      const answered = await this.#authorizer.answer(response, scope, rest.signal);
      if (!answered) return response;
      await discard(response);
      // A stream was read already: the upload has to start over, with the new token.
      if (typeof rest.body === 'function') throw new SubpipeError('UNAVAILABLE', `${this.name}: the token ran out`);
    }
  }

  /** A `Location` header as an address: it may be relative. */
  resolve(location: string): URL {
    return new URL(location, this.#base);
  }

  /** The error for a status that was not hoped for. Reads the body for the registry's own words. */
  async failure(response: HttpResponse, doing: string): Promise<SubpipeError> {
    const said = describe(await response.text(64 * 1024).catch(() => ''));
    const message = `${this.name}: cannot ${doing}: HTTP ${response.status}${said === '' ? '' : ` (${said})`}`;
    switch (response.status) {
      case 401:
      case 403:
        return new SubpipeError('FORBIDDEN', message, {
          hint: `Check the credentials for ${this.registry} in the docker config.`,
        });
      case 404:
        return new SubpipeError('NOT_FOUND', message);
      case 408:
      case 429:
        return new SubpipeError('UNAVAILABLE', message);
      default:
        return new SubpipeError(response.status >= 500 ? 'UNAVAILABLE' : 'FAILED', message);
    }
  }
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

/** distribution-spec v1.1, "Error Codes". */
function describe(body: string): string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return body.trim().slice(0, 200).replace(/\s+/g, ' ');
  }
  const errors = isRecord(value) && Array.isArray(value.errors) ? value.errors.filter(isRecord) : [];
  return errors
    .map(({ code, message }) => [code, message].filter((part) => typeof part === 'string').join(': '))
    .join('; ')
    .slice(0, 500);
}
