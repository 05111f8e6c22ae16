import { invalid, SubpipeError } from '../../errors.ts';
import { type HttpResponse, request } from '../../http.ts';
import { guard } from './address.ts';
import { Limit } from './limit.ts';
import { publicUrl } from './public-url.ts';

/** How to ask whether something has changed (RFC 9110, section 13). */
export interface Validators {
  etag?: string;
  lastModified?: string;
}

export interface DownloadRequest {
  url: string | URL;
  /** Credentials among them stay on the URL's host. */
  headers?: Record<string, string>;
  known?: Validators | undefined;
  signal?: AbortSignal | undefined;
  /** For errors; default the URL itself. */
  title?: string;
  /** What to do about a 401, 403 or 404. */
  hint?: string | undefined;
}

export type Downloaded =
  | { kind: 'same' }
  | { kind: 'new'; text: string; validators: Validators; headers: HttpResponse['headers'] };

export interface DownloaderOptions {
  /** Refuse loopback, link-local and metadata addresses. */
  guarded: boolean;
  /** Bytes of one answer. Default 5 MiB. */
  sizeLimit?: number | undefined;
  /** Ms for one download with all its tries and redirects. Default 100,000. */
  timeLimit?: number | undefined;
  /** Requests at a time. Default 16. */
  atOnce?: number | undefined;
}

export const defaultSizeLimit = 5 * 1024 * 1024;

/** Texts over HTTP: so many at a time, so large and so long at most, tried again as `request` does. */
export class Downloader {
  readonly #options: DownloaderOptions;
  readonly #limit: Limit;
  /** Answers asked for so far; tries and redirects not counted. */
  requests = 0;

  constructor(options: DownloaderOptions) {
    this.#options = options;
    this.#limit = new Limit(options.atOnce ?? 16);
  }

  /** @throws SubpipeError `INVALID` where guarded against. */
  async check(url: URL): Promise<void> {
    if (this.#options.guarded) await guard(url);
  }

  get guarded(): boolean {
    return this.#options.guarded;
  }

  get sizeLimit(): number {
    return this.#options.sizeLimit ?? defaultSizeLimit;
  }

  /**
   * One GET. @throws SubpipeError `NOT_FOUND` (404, 410), `FORBIDDEN` (401, 403), `UNAVAILABLE`, `INVALID` (too large, too
   * slow, not UTF-8, a page for people, an address that is refused).
   */
  async get(input: DownloadRequest): Promise<Downloaded> {
    return await this.#limit.run(() => this.#get(input));
  }

  async #get(input: DownloadRequest): Promise<Downloaded> {
    const title = input.title ?? publicUrl(input.url);
    const milliseconds = this.#options.timeLimit ?? 100_000;
    const late = AbortSignal.timeout(milliseconds);
    const signal = input.signal === undefined ? late : AbortSignal.any([input.signal, late]);
    signal.throwIfAborted();
    this.requests++;
    try {
      const response = await request({
        url: input.url,
        headers: { ...input.headers, ...conditions(input.known) },
        retry: { attempts: 5, baseMs: 200, capMs: 5_000 },
        signal,
        ...(this.#options.guarded ? { guard } : {}),
      });
      if (response.status === 304 && input.known !== undefined) {
        response.body.resume();
        return { kind: 'same' };
      }
      if (response.status < 200 || response.status > 299) throw await failure(response, title, input.hint);
      const text = await this.#textOf(response, title);
      return { kind: 'new', text, validators: validatorsOf(response), headers: response.headers };
    } catch (error) {
      if (late.aborted && input.signal?.aborted !== true) {
        throw new SubpipeError('UNAVAILABLE', `${title} took longer than ${milliseconds / 1000} s`, { cause: error });
      }
      throw error;
    }
  }

  async #textOf(response: HttpResponse, title: string): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    const tooLarge = () =>
      invalid(`${title} is larger than ${this.sizeLimit} bytes, which is the most that one file may have`);
    if (Number(response.headers['content-length'] ?? 0) > this.sizeLimit) {
      response.body.destroy();
      throw tooLarge();
    }
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > this.sizeLimit) throw tooLarge();
      chunks.push(chunk);
    }
    const text = decode(Buffer.concat(chunks), title);
    if (/^text\/html\b/i.test(response.headers['content-type'] ?? '') && /^\s*<(!doctype|html)/i.test(text)) {
      throw invalid(`${title} is a web page, not YAML`, {
        hint: 'Most often that is a page to log in, or one that shows a file: give the address of the raw file.',
      });
    }
    return text;
  }
}

/** @throws SubpipeError `INVALID` where the bytes are not UTF-8. A byte order mark stays: the digest is of every byte. */
export function decode(bytes: Uint8Array, title: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid(`${title} is not a text in UTF-8`, { cause });
  }
}

function conditions(known: Validators | undefined): Record<string, string> {
  return {
    ...(known?.etag === undefined ? {} : { 'if-none-match': known.etag }),
    ...(known?.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }),
  };
}

function validatorsOf({ headers }: HttpResponse): Validators {
  return {
    ...(headers.etag === undefined ? {} : { etag: headers.etag }),
    ...(headers['last-modified'] === undefined ? {} : { lastModified: headers['last-modified'] }),
  };
}

async function failure(response: HttpResponse, title: string, advice: string | undefined): Promise<SubpipeError> {
  const { status, headers } = response;
  response.body.destroy();
  const spent = headers['x-ratelimit-remaining'] === '0' || headers['ratelimit-remaining'] === '0';
  const hint = spent ? 'The rate limit is used up: a token (-t) has a higher one.' : advice;
  const options = { status, ...(hint === undefined ? {} : { hint }) };
  if (status === 404 || status === 410)
    return new SubpipeError('NOT_FOUND', `${title} does not exist (HTTP ${status})`, options);
  if (status === 401 || status === 403)
    return new SubpipeError('FORBIDDEN', `${title} cannot be read (HTTP ${status})`, options);
  const code = status === 408 || status === 425 || status === 429 || status >= 500 ? 'UNAVAILABLE' : 'FAILED';
  return new SubpipeError(code, `${title} cannot be read (HTTP ${status})`, { status });
}
