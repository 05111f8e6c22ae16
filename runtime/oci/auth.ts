import { SubpipeError } from '../errors.ts';
import { type HttpResponse, request } from '../http.ts';
import { addSecret } from '../redact.ts';
import type { Credential } from './credentials.ts';
import { isRecord, parseJson } from './manifest.ts';

/** A `WWW-Authenticate` header (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  scheme: string;
  params: Record<string, string>;
}

/**
 * The `Authorization` of one repository: answers a 401's challenge, keeps the token of each scope and gets a new one
 * when it has expired (distribution's token authentication specification).
 */
export class Authorizer {
  readonly #credential: Credential;
  readonly #plainHttp: boolean;
  readonly #headers = new Map<string, { value: string; expires: number }>();

  constructor(credential: Credential, plainHttp: boolean) {
    this.#credential = credential;
    this.#plainHttp = plainHttp;
  }

  /** The header for a scope, if one is known and good for the next seconds. */
  header(scope: string): Record<string, string> {
    const known = this.#headers.get(scope);
    return known === undefined || known.expires < Date.now() ? {} : { authorization: known.value };
  }

  /**
   * Answers a 401. @returns false when there is nothing (more) to answer with.
   * @throws SubpipeError `FORBIDDEN` when the token server refuses.
   */
  async answer(response: HttpResponse, scope: string, signal: AbortSignal | undefined): Promise<boolean> {
    const challenges = parseChallenges(response.headers['www-authenticate'] ?? '');
    const bearer = challenges.find((challenge) => challenge.scheme === 'bearer');
    if (bearer !== undefined) {
      const { token, lifetime } = await this.#fetchToken(bearer, scope, signal);
      addSecret(token);
      this.#headers.set(scope, {
        value: `Bearer ${token}`,
        expires: Date.now() + Math.max(lifetime / 2, lifetime - 10) * 1000,
      });
      return true;
    }
    const known = this.#headers.has(scope);
    if (known || this.#credential.kind === 'anonymous' || !challenges.some(({ scheme }) => scheme === 'basic')) {
      return false;
    }
    this.#headers.set(scope, { value: basic(this.#credential), expires: Number.POSITIVE_INFINITY });
    return true;
  }

  async #fetchToken(challenge: Challenge, scope: string, signal: AbortSignal | undefined) {
    const { realm, service } = challenge.params;
    const url = realm === undefined ? null : URL.parse(realm);
    if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && this.#plainHttp))) {
      throw new SubpipeError(
        'FORBIDDEN',
        `the registry names the token server ${realm ?? '(none)'}, expected an https address`,
      );
    }
    if (service !== undefined) url.searchParams.set('service', service);
    for (const part of scope.split(' ')) url.searchParams.append('scope', part);
    const headers = this.#credential.kind === 'basic' ? { authorization: basic(this.#credential) } : undefined;
    const response = await request({ url, signal, ...(headers === undefined ? {} : { headers }) });
    const text = await response.text(1024 * 1024);
    if (response.status !== 200) {
      const code = response.status >= 500 || response.status === 429 ? 'UNAVAILABLE' : 'FORBIDDEN';
      const who = this.#credential.kind === 'basic' ? `user "${this.#credential.username}"` : 'anonymous access';
      throw new SubpipeError(code, `${url.host} gave no token for ${scope} to ${who}: HTTP ${response.status}`);
    }
    const value = parseJson(Buffer.from(text), url.host);
    const token = isRecord(value) ? (value.token ?? value.access_token) : undefined;
    if (typeof token !== 'string' || token === '')
      throw new SubpipeError('FAILED', `${url.host} answered without a token`);
    const lifetime = isRecord(value) && typeof value.expires_in === 'number' ? value.expires_in : 60;
    return { token, lifetime };
  }
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Every challenge of a header that may hold several. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  const token = /\s*,?\s*([A-Za-z][\w-]*)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/gy;
  for (let match = token.exec(header); match !== null; match = token.exec(header)) {
    const [, name = '', quoted, plain] = match;
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    const last = challenges.at(-1);
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), params: {} });
    else if (last !== undefined) last.params[name.toLowerCase()] = value;
  }
  return challenges;
}
