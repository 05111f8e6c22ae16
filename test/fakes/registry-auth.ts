import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface FakeAuthOptions {
  /** With `basic` the password is asked for on every request, with `bearer` at the token endpoint only. */
  kind: 'basic' | 'bearer';
  username: string;
  password: string;
  /** Taken by POST at the token endpoint in the password's place. */
  identityToken?: string;
  /** Everybody may read: tokens without a password are good for that. */
  public?: boolean;
  /** The token endpoint gives none that is good for another repository too. */
  oneRepository?: boolean;
  /** A token has of what was asked for only the reading, as for a robot that may not push. */
  readsOnly?: boolean;
}

/** Who may do what at a fake registry (distribution's token authentication specification). */
export class FakeAuth {
  readonly #options: FakeAuthOptions | undefined;
  /** Seconds that a token is good for, and what is said about it. */
  lifetime: number;
  readonly #tokens = new Map<string, { scopes: string[]; expires: number }>();

  constructor(options: FakeAuthOptions | undefined, lifetime: number) {
    this.#options = options;
    this.lifetime = lifetime;
  }

  allowed(request: IncomingMessage, repository: string, action: string): boolean {
    const auth = this.#options;
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

  /** Lets no token live on, as a registry that has changed its key. */
  revoke(): void {
    this.#tokens.clear();
  }

  /** @param origin of the token endpoint: `http://HOST:PORT`. */
  challenge(response: ServerResponse, origin: string, repository: string, action: string): void {
    const bearer = `Bearer realm="${origin}/token",service="fake",scope="repository:${repository}:${action}"`;
    response.setHeader('www-authenticate', this.#options?.kind === 'bearer' ? bearer : 'Basic realm="fake"');
  }

  /** Answers the token endpoint: GET with a password or without, POST with an identity token. */
  async token(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const form = request.method === 'POST' ? new URLSearchParams(await textOf(request)) : undefined;
    const scopes = form === undefined ? url.searchParams.getAll('scope') : (form.get('scope') ?? '').split(' ');
    if (!this.#trusts(request, form, scopes)) {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
      return;
    }
    const token = randomUUID();
    const granted = scopes.map((scope) =>
      this.#options?.readsOnly === true ? scope.replace(/:[^:]*$/, ':pull') : scope,
    );
    this.#tokens.set(token, { scopes: granted, expires: Date.now() + this.lifetime * 1000 });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ [form === undefined ? 'token' : 'access_token']: token, expires_in: this.lifetime }));
  }

  #trusts(request: IncomingMessage, form: URLSearchParams | undefined, scopes: string[]): boolean {
    const auth = this.#options;
    if (auth?.oneRepository === true && scopes.length > 1) return false;
    if (form !== undefined) {
      return form.get('grant_type') === 'refresh_token' && form.get('refresh_token') === (auth?.identityToken ?? '?');
    }
    const { authorization } = request.headers;
    if (authorization === undefined) return auth?.public === true && scopes.every((scope) => scope.endsWith(':pull'));
    return authorization === `Basic ${this.#secret()}`;
  }

  #secret(): string {
    const { username, password } = this.#options ?? { username: '', password: '' };
    return Buffer.from(`${username}:${password}`).toString('base64');
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
