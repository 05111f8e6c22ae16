import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasCode } from '../errors.ts';
import { backoff, defaultRetry, isRetriableStatus, pause } from '../retry.ts';
import { chunksOf } from './chunks.ts';
import type { Connection } from './connection.ts';
import { type Digest, Meter, Verifier } from './digest.ts';
import type { Refusal } from './failure.ts';
import type { Descriptor } from './manifest.ts';
import type { Arrival, StreamOptions, WriteOptions } from './target.ts';
import { UploadSession } from './upload-session.ts';

type Open = () => Readable | Promise<Readable>;

/** Failures in a row without a byte of progress. */
const attempts = 5;

/** What requests have after one broke: little is lost with the next. */
const chunkAfterFailure = 16 * 1024 * 1024;

/** Smaller than what the proxies before registries are set to when somebody has set them too small. */
const smallestChunk = 512 * 1024;

/**
 * Uploads a blob: mounted from another repository where that works, else in one request. What breaks goes on where the
 * registry says that it stopped, in chunks from then on; so does what the registry finds too large for one request.
 */
export async function upload(
  connection: Connection,
  blob: Descriptor,
  open: Open,
  options: WriteOptions,
): Promise<Arrival> {
  const { mountFrom } = options;
  const mount = mountFrom === undefined ? undefined : { digest: blob.digest, from: mountFrom };
  const work = new Upload(connection, open, options, blob);
  return (await work.run(mount)) === 'mounted' ? 'mounted' : 'sent';
}

/** Uploads what `open` gives, of any size and digest, as it comes. */
export async function uploadStream(
  connection: Connection,
  mediaType: string,
  open: Open,
  options: StreamOptions,
): Promise<Descriptor> {
  const written = await new Upload(connection, open, options, undefined).run(undefined);
  if (written === 'mounted') throw new Error('unreachable: nothing was to be mounted');
  return { mediaType, ...written };
}

interface Written {
  digest: Digest;
  size: number;
}

class Upload {
  readonly #connection: Connection;
  readonly #open: Open;
  readonly #signal: AbortSignal | undefined;
  readonly #written: ((bytes: Buffer) => void) | undefined;
  readonly #blob: Descriptor | undefined;
  #session: UploadSession | undefined;
  #failures = 0;
  /** Something of an earlier try is used: where the digest is wrong at the end, that may be the reason. */
  #resumed = false;

  constructor(connection: Connection, open: Open, options: StreamOptions, blob: Descriptor | undefined) {
    this.#connection = connection;
    this.#open = open;
    this.#signal = options.signal;
    this.#written = options.written;
    this.#blob = blob;
  }

  async run(mount: { digest: Digest; from: string } | undefined): Promise<Written | 'mounted'> {
    for (;;) {
      if (this.#session === undefined) {
        const started = await UploadSession.start(this.#connection, mount, { signal: this.#signal });
        if (started === 'mounted') return 'mounted';
        this.#session = started;
      }
      const session = this.#session;
      const before = session.offset;
      const outcome = await this.#send(session);
      if ('digest' in outcome) return outcome;
      await this.#recover(session, before, outcome);
    }
  }

  /** Sends what the registry lacks. Throws what is wrong with the source, and what no further try makes better. */
  async #send(session: UploadSession): Promise<Written | Refusal> {
    const source = await this.#open();
    const measured = this.#blob === undefined ? new Meter() : new Verifier(this.#blob, 'its source');
    // The pipeline's own promise tells nothing that the reader of `measured` is not told.
    pipeline(source, measured).catch(() => {});
    try {
      return await this.#transfer(session, measured);
    } catch (error) {
      if (this.#signal?.aborted) throw this.#signal.reason;
      // When the source was bad, say that and not that the connection broke.
      const bad = measured.errored;
      if (bad !== null) {
        await session.cancel();
        throw bad;
      }
      if (!hasCode(error, 'UNAVAILABLE') || this.#failures + 1 >= attempts) throw error;
      return { status: 0, codes: [], said: '', retryAfter: undefined };
    } finally {
      source.destroy();
      measured.destroy();
    }
  }

  async #transfer(session: UploadSession, measured: Meter | Verifier): Promise<Written | Refusal> {
    const limit = this.#limit(session);
    const blob = this.#blob;
    let rest: Buffer | undefined;
    if (blob !== undefined && session.offset === 0 && (limit === undefined || blob.size <= limit)) {
      return (await session.putAll(blob.digest, blob.size, measured)) ?? blob;
    }
    if (limit === undefined && session.offset === 0) {
      const refusal = await session.patchStream(measured, this.#written);
      if (refusal !== undefined) return refusal;
    } else {
      // Left early it would be destroyed with an error of its own, which is none of the source.
      const read = measured.iterator({ destroyOnReturn: false });
      for await (const chunk of chunksOf(read, session.offset, limit ?? chunkAfterFailure, this.#written)) {
        // Only the last one can be too short for a chunk of its own.
        if (chunk.length < session.minimum) rest = chunk;
        const refusal = rest === undefined ? await session.patch(chunk) : undefined;
        if (refusal !== undefined) return refusal;
      }
    }
    const written = blob ?? measuredBy(measured);
    return (await session.finish(written.digest, rest)) ?? written;
  }

  #limit(session: UploadSession): number | undefined {
    const { requestLimit } = this.#connection;
    const wanted = requestLimit ?? (this.#failures > 0 ? chunkAfterFailure : undefined);
    return wanted === undefined ? undefined : Math.max(wanted, session.minimum);
  }

  /** Makes ready for the next try, or throws when there is no sense in one. */
  async #recover(session: UploadSession, before: number, refusal: Refusal): Promise<void> {
    const { status, codes } = refusal;
    const doing = `upload ${this.#blob?.digest ?? 'a layer'}`;
    this.#failures += 1;
    if (isTooLarge(refusal)) {
      if (!this.#lowerLimit(session, refusal)) {
        const asked = this.#limit(session);
        throw this.#connection.refused(refusal, `${doing} in requests of ${asked} bytes`);
      }
      // Not a fault: with smaller requests it may go well at once.
      this.#failures = Math.min(this.#failures, 1);
      if (!(await session.ask())) this.#session = undefined;
      this.#resumed ||= session.offset > 0;
      return;
    }
    // Started a moment ago, and not there: whatever the words, the session is gone, unless there is no such repository.
    const lost = status === 404 && (this.#resumed || !codes.includes('NAME_UNKNOWN'));
    const spoiled = status >= 400 && codes.includes('DIGEST_INVALID') && this.#resumed;
    const passing = status === 0 || status === 416 || lost || spoiled || isRetriableStatus(status);
    if (!passing || this.#failures >= attempts) throw this.#connection.refused(refusal, doing);
    await pause(backoff(defaultRetry, this.#failures, refusal.retryAfter), this.#signal);
    const known = !spoiled && !lost && (await session.ask());
    if (!known) this.#session = undefined;
    if (known && session.offset > before) this.#failures = 1;
    this.#resumed = known && session.offset > 0;
  }

  #lowerLimit(session: UploadSession, refusal: Refusal): boolean {
    const now = this.#connection.requestLimit ?? this.#blob?.size ?? Number.POSITIVE_INFINITY;
    const said = limitIn(refusal.said);
    const lower = said !== undefined && said < now ? said : [16, 4, 1, 0.5].map(mebibytes).find((size) => size < now);
    const next = lower === undefined ? undefined : Math.max(lower, session.minimum);
    if (next === undefined || next < smallestChunk || next >= now) return false;
    this.#connection.requestLimit = next;
    return true;
  }
}

const mebibytes = (count: number) => count * 1024 * 1024;

function measuredBy(measured: Meter | Verifier): Written {
  if (measured instanceof Meter) return { digest: measured.digest, size: measured.size };
  throw new Error('unreachable: a blob that is verified is known');
}

/** 413 of proxies and registries, 411 where a stream needs a length, and GHCR's 416 for more than 4 MiB. */
function isTooLarge({ status, said }: Refusal): boolean {
  return status === 413 || status === 411 || (status === 416 && /too large|limit/i.test(said));
}

/** `4.00MiB` in a registry's words, in bytes. */
function limitIn(said: string): number | undefined {
  const found = /(\d+(?:\.\d+)?)\s*([KMG])i?B\b/i.exec(said);
  if (found === null) return undefined;
  const factor = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[(found[2] ?? 'M').toUpperCase()] ?? 1;
  return Math.floor(Number(found[1]) * factor);
}
