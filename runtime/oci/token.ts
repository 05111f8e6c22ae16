import { SubpipeError } from '../errors.ts';
import { type HttpRequest, type HttpResponse, request } from '../http.ts';
import { addSecret } from '../redact.ts';
import { basicValue, type Credential, describeCredential } from './credential.ts';
import { isRecord } from './manifest.ts';

/** Who to ask for a token, and for what. */
export interface TokenQuestion {
  realm: URL;
  service: string | undefined;
  /** Scopes, with a space between them. */
  scope: string;
}

export interface Token {
  value: string;
  /** Seconds that it is good for. */
  lifetime: number;
}

/**
 * Gets a bearer token: by GET with a password or anonymously (distribution's token specification), by POST with an
 * identity token (its OAuth2 specification).
 *
 * @throws SubpipeError `FORBIDDEN` when the token server refuses, `UNAVAILABLE` when it cannot answer.
 */
export async function fetchToken(
  question: TokenQuestion,
  credential: Credential,
  http: Pick<HttpRequest, 'signal' | 'tls'>,
): Promise<Token> {
  const { realm, scope } = question;
  const response =
    credential.kind === 'identity'
      ? await post(question, credential.token, http)
      : await get(question, credential, http);
  const text = await response.text(1024 * 1024);
  if (response.status !== 200) {
    const busy = response.status >= 500 || response.status === 429;
    throw new SubpipeError(
      busy ? 'UNAVAILABLE' : 'FORBIDDEN',
      `${realm.host} gave no token for ${scope} to ${describeCredential(credential)}: HTTP ${response.status}`,
      { status: response.status },
    );
  }
  return read(text, realm.host);
}

function get(question: TokenQuestion, credential: Credential, http: Pick<HttpRequest, 'signal' | 'tls'>) {
  const url = new URL(question.realm);
  if (question.service !== undefined) url.searchParams.set('service', question.service);
  for (const part of question.scope.split(' ')) url.searchParams.append('scope', part);
  if (credential.kind !== 'basic') return request({ url, ...http });
  url.searchParams.set('account', credential.username);
  const headers = { authorization: `Basic ${basicValue(credential.username, credential.password)}` };
  return request({ url, headers, ...http });
}

function post(
  question: TokenQuestion,
  token: string,
  http: Pick<HttpRequest, 'signal' | 'tls'>,
): Promise<HttpResponse> {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    service: question.service ?? question.realm.host,
    client_id: 'subpipe',
    scope: question.scope,
    refresh_token: token,
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return request({ url: question.realm, method: 'POST', headers, body: form.toString(), ...http });
}

function read(text: string, host: string): Token {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // No cause: it would quote what may be a token.
    throw new SubpipeError('FAILED', `${host} answered the question for a token without JSON`);
  }
  const token = isRecord(value) ? value.token || value.access_token : undefined;
  if (typeof token !== 'string' || token === '') throw new SubpipeError('FAILED', `${host} answered without a token`);
  addSecret(token);
  // Without a word about it, a token is good for 60 seconds (token specification, "expires_in").
  const lifetime = isRecord(value) && typeof value.expires_in === 'number' ? value.expires_in : 60;
  return { value: token, lifetime };
}
