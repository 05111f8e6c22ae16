import { type ErrorCode, SubpipeError } from '../errors.ts';
import type { HttpResponse } from '../http.ts';
import { isRecord } from './manifest.ts';

/** What a registry said no with (distribution-spec v1.1, "Error Codes"). */
export interface Refusal {
  status: number;
  codes: string[];
  /** Its own words, cut to a line. */
  said: string;
  retryAfter: string | undefined;
}

/** Reads a response's body for the registry's own words. */
export async function readRefusal(response: HttpResponse): Promise<Refusal> {
  const body = await response.text(64 * 1024).catch(() => '');
  const { status } = response;
  const retryAfter = response.headers['retry-after'];
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { status, codes: [], said: body.trim().slice(0, 200).replace(/\s+/g, ' '), retryAfter };
  }
  const errors = isRecord(value) && Array.isArray(value.errors) ? value.errors.filter(isRecord) : [];
  const said = errors.map(({ code, message }) => [code, message].filter((part) => typeof part === 'string').join(': '));
  const codes = errors.flatMap(({ code }) => (typeof code === 'string' ? [code] : []));
  return { status, codes, said: said.join('; ').slice(0, 500), retryAfter };
}

/**
 * The error for a refusal, with what to do about the ones that people meet.
 *
 * @param doing what could not be done: `cannot DOING`.
 * @param who the credentials that were used.
 */
export function errorOf(refusal: Refusal, registry: string, repository: string, doing: string, who: string) {
  const { status, said } = refusal;
  const message = `${registry}/${repository}: cannot ${doing}: HTTP ${status}${said === '' ? '' : ` (${said})`}`;
  const hint = hintOf(refusal, registry, repository, who);
  return new SubpipeError(codeOf(status), message, { status, ...(hint === undefined ? {} : { hint }) });
}

/** The error for a refusal of a host that a registry led to, to which nobody's credentials matter. */
export function elsewhere({ status, said }: Refusal, name: string, doing: string, host: string): SubpipeError {
  const message = `${name}: cannot ${doing}: ${host}, to which the registry leads, answered HTTP ${status}${said === '' ? '' : ` (${said})`}`;
  return new SubpipeError(codeOf(status), message, { status });
}

function codeOf(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'FORBIDDEN';
  if (status === 404) return 'NOT_FOUND';
  if (status === 409) return 'CONFLICT';
  return status === 408 || status === 425 || status === 429 || status >= 500 ? 'UNAVAILABLE' : 'FAILED';
}

function hintOf({ status, codes, said }: Refusal, registry: string, repository: string, who: string) {
  if (status === 401 || status === 403) return `Check the credentials for ${registry}: it was asked as ${who}.`;
  if (codes.includes('NAME_UNKNOWN')) {
    return `${registry} has no repository ${repository}: create it first where pushes do not create one (Amazon ECR).`;
  }
  if (status === 415) {
    return 'It does not take this kind of manifest: push a plain image with gzip layers, not an artifact or zstd.';
  }
  if (status === 413) return `Raise the limit of ${registry}, or of the proxy before it (nginx: client_max_body_size).`;
  if (status === 429) return `${registry} limits how often it is asked: log in, or use a mirror.`;
  if (status === 400 && /HTTP request.*to (an )?HTTPS/i.test(said)) {
    return `${registry} speaks HTTPS: leave plain HTTP out.`;
  }
  return undefined;
}

/** Adds what to do to a connection that failed, where TLS is the reason. */
export function withTlsHint(error: unknown, url: URL): unknown {
  if (!(error instanceof SubpipeError) || error.hint !== undefined) return error;
  const hint = tlsHint(error.cause, url);
  return hint === undefined ? error : new SubpipeError(error.code, error.message, { cause: error.cause, hint });
}

function tlsHint(cause: unknown, { protocol, host }: URL): string | undefined {
  const code = isRecord(cause) ? String(cause.code) : '';
  if (
    protocol === 'https:' &&
    (code === 'EPROTO' || /^ERR_SSL_(WRONG_VERSION|PACKET_LENGTH|HTTP_REQUEST)/.test(code))
  ) {
    return `${host} does not speak TLS: if it is meant to be a plain HTTP registry, allow plain HTTP (insecure or oci-insecure: ${host}).`;
  }
  if (/SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_(UNTRUSTED|SIGNATURE)/.test(code)) {
    return `Name the file with its CA certificate, or put it into SSL_CERT_FILE.`;
  }
  if (protocol === 'http:' && (code.startsWith('HPE_') || code === 'ECONNRESET')) {
    return `${host} may speak HTTPS only: leave plain HTTP out.`;
  }
  return undefined;
}
