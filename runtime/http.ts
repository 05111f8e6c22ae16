import { readFileSync } from 'node:fs';
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import tls from 'node:tls';
import { hasCode, SubpipeError } from './errors.ts';
import { backoff, defaultRetry, isRetriableStatus, pause, type RetryPolicy } from './retry.ts';
import { version } from './version.ts';

export interface HttpRequest {
  method?: string;
  url: string | URL;
  headers?: Record<string, string>;
  /** A function makes a fresh stream for every try, so that a retry sends the whole body again. */
  body?: string | Buffer | (() => Readable);
  /** Told of each piece of a streamed body that has gone out: nobody looks at its bytes any more. */
  written?: ((chunk: Buffer) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Ms until the response's headers must be there, counted from the last byte of a streamed body. Default 30,000. */
  timeoutMs?: number;
  /** Ms without a byte of the response's body before it fails. Default: the same as `timeoutMs`; 0 is no limit. */
  idleMs?: number;
  /** `false` makes one try only. */
  retry?: RetryPolicy | false;
  /** TLS of this server, in place of the defaults: client certificate, CA, server name. */
  tls?: https.AgentOptions;
  /** Redirects to follow, default 5. Credentials are left behind when the host changes. */
  redirects?: number;
  /**
   * Asked before each request, redirects included: throws where the address must not be reached. What it returns
   * resolves the host's name, so that a name is judged by the address that is really connected to.
   */
  guard?: (url: URL) => Promise<LookupFunction>;
}

export interface HttpResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: IncomingMessage;
  /** The whole body. Refuses more than `limit` bytes, default 16 MiB. @throws SubpipeError `UNAVAILABLE` when it breaks off. */
  text(limit?: number): Promise<string>;
}

const userAgent = `subpipe/${version}`;
const agents = new Map<string, http.Agent>();

/**
 * Sends one request, with retries (full jitter, `Retry-After`) on 408, 425, 429, 5xx and connection errors.
 * Proxies come from `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`; extra CAs from `SSL_CERT_FILE`.
 * Every final status is returned, none is thrown. The caller reads or destroys `body`.
 *
 * @throws SubpipeError `UNAVAILABLE` when no response came in any try; the signal's reason when aborted.
 */
export async function request(input: HttpRequest): Promise<HttpResponse> {
  const policy = input.retry === false ? { ...defaultRetry, attempts: 1 } : (input.retry ?? defaultRetry);
  for (let attempt = 1; ; attempt++) {
    const last = attempt >= policy.attempts;
    let retryAfter: string | undefined;
    try {
      const response = await follow(input);
      if (last || !isRetriableStatus(response.status)) return response;
      retryAfter = response.headers['retry-after'];
      response.body.destroy();
    } catch (error) {
      if (input.signal?.aborted) throw input.signal.reason;
      // What a guard refuses is refused for good.
      if (hasCode(error, 'INVALID')) throw error;
      if (last) throw unavailable(input, error, attempt);
    }
    await pause(backoff(policy, attempt, retryAfter), input.signal);
  }
}

function unavailable(input: HttpRequest, cause: unknown, attempts: number): SubpipeError {
  const tries = attempts === 1 ? '' : ` after ${attempts} tries`;
  return new SubpipeError('UNAVAILABLE', `${shortOf(input)} failed${tries}`, { cause });
}

/** For people, without what a query may have of secrets. */
function shortOf({ method = 'GET', url }: HttpRequest): string {
  const { protocol, host, pathname } = new URL(url);
  return `${method} ${protocol}//${host}${pathname}`;
}

async function follow(input: HttpRequest): Promise<HttpResponse> {
  let current = input;
  for (let left = input.redirects ?? 5; ; left--) {
    const lookup = await current.guard?.(new URL(current.url));
    const response = await send(current, lookup);
    const location = response.headers.location;
    const redirect = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined;
    const safe = current.method === undefined || current.method === 'GET' || current.method === 'HEAD';
    if (!redirect || !safe || left === 0) return response;
    response.body.destroy();
    const from = new URL(current.url);
    const to = new URL(location, from);
    const sameOrigin = to.host === from.host && to.protocol === from.protocol;
    current = { ...current, url: to };
    if (!sameOrigin) {
      const { tls: _tls, ...rest } = current;
      current = { ...rest, headers: withoutCredentials(current.headers ?? {}) };
    }
  }
}

function withoutCredentials(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !/^(authorization|cookie|proxy-authorization|private-token|job-token)$/i.test(name),
    ),
  );
}

function send(input: HttpRequest, lookup: LookupFunction | undefined): Promise<HttpResponse> {
  const url = new URL(input.url);
  const timeoutMs = input.timeoutMs ?? 30_000;
  const idleMs = input.idleMs ?? timeoutMs;
  return new Promise((resolve, reject) => {
    const body = input.body;
    let answered = false;
    const length =
      body === undefined || typeof body === 'function' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const message = (url.protocol === 'https:' ? https : http).request(
      url,
      {
        method: input.method ?? 'GET',
        headers: { 'user-agent': userAgent, ...length, ...input.headers },
        agent: agentFor(url, input.tls, lookup !== undefined),
        ...(lookup === undefined ? {} : { lookup }),
        ...(input.signal === undefined ? {} : { signal: input.signal }),
      },
      (response) => {
        answered = true;
        clearTimeout(timer);
        if (idleMs > 0) {
          const { socket } = response;
          const fail = () => response.destroy(new Error(`no data for ${idleMs} ms`));
          socket.setTimeout(idleMs, fail);
          // The connection outlives the response: neither its timeout nor its listener may stay.
          const release = () => socket.off('timeout', fail).setTimeout(0);
          response.once('end', release);
          response.once('close', () => response.readableEnded || release());
        }
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: response,
          text: (limit) => textOf(response, input, limit),
        });
      },
    );
    const timer = setTimeout(() => message.destroy(new Error(`no response within ${timeoutMs} ms`)), timeoutMs);
    message.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    if (typeof body === 'function') {
      const stream = body();
      // An upload takes as long as it takes: the time counts from the last byte that went out.
      stream.on('data', (chunk: Buffer) => {
        if (!answered) timer.refresh();
        const isTaken = message.write(chunk, (error) => {
          if (!error) input.written?.(chunk);
        });
        if (!isTaken) stream.pause();
      });
      stream.on('end', () => message.end());
      stream.on('error', (error) => message.destroy(error));
      message.on('drain', () => stream.resume());
      message.on('close', () => stream.destroy());
    } else message.end(body);
  });
}

/**
 * One keep-alive agent for each TLS setting, so that requests to a server share its connections. Guarded requests have
 * their own: a connection that nobody has judged is none of theirs.
 */
function agentFor(url: URL, options: https.AgentOptions = {}, guarded = false): http.Agent {
  const secure = url.protocol === 'https:';
  const key = `${url.protocol}${guarded}${secure ? JSON.stringify([options.servername, options.rejectUnauthorized, String(options.ca ?? ''), String(options.cert ?? '')]) : ''}`;
  let agent = agents.get(key);
  if (agent === undefined) {
    const common = { keepAlive: true, proxyEnv: process.env };
    agent = secure ? new https.Agent({ ...common, ...extraCa(options), ...options }) : new http.Agent(common);
    agents.set(key, agent);
  }
  return agent;
}

function extraCa(options: https.AgentOptions): https.AgentOptions {
  if ((process.env.SSL_CERT_FILE ?? '') === '' || options.ca !== undefined) return {};
  return { ca: usualAuthorities() };
}

/**
 * CAs that count where nothing else is said, PEM: the built-in ones, and those of `SSL_CERT_FILE`, as Go and OpenSSL read
 * it. `NODE_EXTRA_CA_CERTS` works by Node itself.
 */
export function usualAuthorities(): string[] {
  const file = process.env.SSL_CERT_FILE ?? '';
  return [...tls.getCACertificates('default'), ...(file === '' ? [] : [readFileSync(file, 'utf8')])];
}

async function textOf(body: IncomingMessage, input: HttpRequest, limit = 16 * 1024 * 1024): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) throw new SubpipeError('FAILED', `the response is larger than ${limit} bytes`);
      chunks.push(chunk);
    }
  } catch (cause) {
    throw brokenOff(input, cause);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The error for an answer that ended in its middle; what else went wrong stays what it is. */
function brokenOff(input: HttpRequest, cause: unknown): unknown {
  if (cause instanceof SubpipeError) return cause;
  if (input.signal?.aborted === true) return input.signal.reason;
  return new SubpipeError('UNAVAILABLE', `${shortOf(input)} broke off in the middle of its answer`, { cause });
}
