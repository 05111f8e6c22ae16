import { SubpipeError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { type Digest, digestOf } from '../../oci/digest.ts';
import type { Cache } from './cache.ts';
import { type Lock, lockedDigest, lockMismatch } from './lock.ts';
import type { Origin } from './origin.ts';

export interface Read {
  text: string;
  digest: Digest;
}

export interface ReaderOptions {
  cache?: Cache | undefined;
  /** Only what the cache has. */
  offline?: boolean | undefined;
  /** Held to: what it does not name, or names with another digest, is an error. */
  lock?: Lock | undefined;
  log: Log;
  /** Ends all reading. */
  signal?: AbortSignal | undefined;
}

/** Reads each origin once, however many ask and however often: from the lock's text in the cache, the cache, or where it is. */
export class Reader {
  readonly #options: ReaderOptions;
  readonly #reads = new Map<string, Promise<Read>>();

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** @param signal ends this caller's wait; others may still want the answer. */
  async read(origin: Origin, signal?: AbortSignal): Promise<Read> {
    signal?.throwIfAborted();
    let reading = this.#reads.get(origin.from);
    if (reading === undefined) {
      reading = this.#read(origin);
      this.#reads.set(origin.from, reading);
      // Who has aborted may be the only one who waits: the failure is then nobody's.
      reading.catch(() => {});
    }
    return signal === undefined ? await reading : await until(reading, signal);
  }

  async #read(origin: Origin): Promise<Read> {
    const { lock, log } = this.#options;
    const expected = lock === undefined ? undefined : lockedDigest(lock, origin.from);
    const kept = expected === undefined ? undefined : await this.#options.cache?.text(expected);
    if (kept !== undefined && expected !== undefined) return { text: kept, digest: expected };
    const read = await this.#current(origin);
    if (lock !== undefined && expected !== undefined && read.digest !== expected) {
      throw lockMismatch(lock, origin.from, expected, read.digest);
    }
    log.debug(`read ${origin.from}`);
    return read;
  }

  async #current(origin: Origin): Promise<Read> {
    const { cache, offline, signal } = this.#options;
    const { from, asked = from } = origin;
    const entry = await cache?.entry(from);
    const text = entry === undefined ? undefined : await cache?.text(entry.digest);
    const had = entry !== undefined && text !== undefined ? { text, digest: entry.digest } : undefined;
    if (had !== undefined && (origin.immutable || offline === true)) return had;
    if (offline === true) {
      throw new SubpipeError('NOT_FOUND', `${from} is not in the cache, and nothing else is used offline`, {
        hint: 'Resolve once without --offline: that fills the cache.',
      });
    }
    const known = had !== undefined && entry?.asked === asked ? entry.validators : undefined;
    const answer = await origin.read(
      known === undefined || Object.keys(known).length === 0 ? undefined : known,
      signal,
    );
    if (answer.kind === 'same') {
      if (had === undefined) throw new SubpipeError('FAILED', `${from} answered "not modified" to a first request`);
      return had;
    }
    const digest = digestOf(answer.text);
    await cache?.put({ from, asked, digest, validators: answer.validators }, answer.text);
    return { text: answer.text, digest };
  }
}

function until<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
