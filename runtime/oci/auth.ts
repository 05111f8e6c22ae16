import { hasCode, SubpipeError } from '../errors.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import { parseChallenges } from './challenge.ts';
import { anonymous, basicValue, type Credential, describeCredential } from './credential.ts';
import { fetchToken, type TokenQuestion } from './token.ts';

export interface AuthorizerOptions {
  /** The token server may be asked without TLS too. */
  plainHttp: boolean;
  tls?: HttpRequest['tls'] | undefined;
  /** Hears of credentials that were refused where anonymous access was enough. */
  warn?: ((sentence: string) => void) | undefined;
}

/**
 * The `Authorization` of one repository. What a registry's first challenge asked for is remembered: from then on tokens
 * are there before a request goes out, and a token that is about to run out is renewed first, so that no upload is
 * sent to be refused.
 */
export class Authorizer {
  readonly #credential: Credential;
  readonly #options: AuthorizerOptions;
  /** What the registry challenges with, once it has. */
  #way: 'basic' | Omit<TokenQuestion, 'scope'> | undefined;
  readonly #tokens = new Map<string, { value: string; expires: number }>();
  /** Uploads that go on side by side share one question. */
  readonly #asking = new Map<string, Promise<void>>();

  constructor(credential: Credential, options: AuthorizerOptions) {
    this.#credential = credential;
    this.#options = options;
  }

  /** The header for a scope, as far as the registry has said what it wants. */
  async header(scope: string, signal: AbortSignal | undefined): Promise<Record<string, string>> {
    const credential = this.#credential;
    if (credential.kind === 'bearer') return { authorization: `Bearer ${credential.token}` };
    if (this.#way === undefined) return {};
    if (this.#way === 'basic') {
      if (credential.kind !== 'basic') return {};
      return { authorization: `Basic ${basicValue(credential.username, credential.password)}` };
    }
    const known = this.#tokens.get(scope);
    if (known === undefined || known.expires < Date.now()) await this.#renew({ ...this.#way, scope }, signal);
    const token = this.#tokens.get(scope);
    return token === undefined ? {} : { authorization: `Bearer ${token.value}` };
  }

  /**
   * Answers a 401. @returns false when there is nothing (more) to answer with.
   * @throws SubpipeError `FORBIDDEN` when the token server refuses.
   */
  async answer(response: HttpResponse, scope: string, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#credential.kind === 'bearer') return false;
    const challenges = parseChallenges(response.headers['www-authenticate'] ?? '');
    const bearer = challenges.find((challenge) => challenge.scheme === 'bearer');
    if (bearer !== undefined) {
      const { realm, service } = bearer.params;
      this.#way = { realm: this.#checkRealm(realm), service };
      this.#tokens.delete(scope);
      await this.#renew({ ...this.#way, scope }, signal);
      return true;
    }
    const usable = this.#credential.kind === 'basic' && challenges.some(({ scheme }) => scheme === 'basic');
    if (!usable || this.#way === 'basic') return false;
    this.#way = 'basic';
    return true;
  }

  /** Who asked, for errors: `user "me" (config.json: auths["ghcr.io"])`. */
  describe(): string {
    return describeCredential(this.#credential);
  }

  #checkRealm(realm: string | undefined): URL {
    const url = realm === undefined ? null : URL.parse(realm);
    if (url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && this.#options.plainHttp)))
      return url;
    throw new SubpipeError(
      'FORBIDDEN',
      `the registry names the token server ${realm ?? '(none)'}, expected an https address`,
    );
  }

  async #renew(question: TokenQuestion, signal: AbortSignal | undefined): Promise<void> {
    let asking = this.#asking.get(question.scope);
    if (asking === undefined) {
      asking = this.#ask(question, signal).finally(() => this.#asking.delete(question.scope));
      this.#asking.set(question.scope, asking);
    }
    await asking;
  }

  async #ask(question: TokenQuestion, signal: AbortSignal | undefined): Promise<void> {
    const http = { signal, ...(this.#options.tls === undefined ? {} : { tls: this.#options.tls }) };
    const token = await fetchToken(question, this.#credential, http).catch(async (refused: unknown) => {
      // What anybody may read needs no password: a wrong one is no reason to fail, but it is to be known.
      const reads = !question.scope.includes('push');
      if (!reads || this.#credential.kind === 'anonymous' || !hasCode(refused, 'FORBIDDEN')) throw refused;
      const other = await fetchToken(question, anonymous, http).catch(() => {
        throw refused;
      });
      this.#options.warn?.(
        `${question.realm.host} refused ${this.describe()}: going on without credentials, which is enough only for what is public`,
      );
      return other;
    });
    // Renewed well before its end: a request that takes a while to arrive still finds it good.
    const good = Math.max(token.lifetime / 2, token.lifetime - 10);
    this.#tokens.set(question.scope, { value: token.value, expires: Date.now() + good * 1000 });
  }
}
