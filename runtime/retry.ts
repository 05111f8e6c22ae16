import { setTimeout as sleep } from 'node:timers/promises';

/** How often and how long to try again. Delays use full jitter: anywhere between 0 and the current bound. */
export interface RetryPolicy {
  /** Tries in all, the first included. */
  attempts: number;
  /** Bound of the first delay, in ms; doubles with every try. */
  baseMs: number;
  /** No delay is longer than this, in ms. A server's `Retry-After` may exceed it up to 5 minutes. */
  capMs: number;
}

export const defaultRetry: RetryPolicy = { attempts: 6, baseMs: 100, capMs: 10_000 };

const retryAfterCapMs = 300_000;

/** Whether an HTTP status says "try again": 408, 425, 429 and all 5xx but 501 and 505, which never get better. */
export function isRetriableStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/** Delay in ms before try number `attempt` (1 is the first retry). `retryAfter` is the header's value, if any. */
export function backoff(policy: RetryPolicy, attempt: number, retryAfter?: string, now = Date.now()): number {
  const asked = parseRetryAfter(retryAfter, now);
  if (asked !== undefined) return Math.min(asked, retryAfterCapMs) + Math.random() * policy.baseMs;
  return Math.random() * Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 1));
}

/** `Retry-After` in ms: seconds or an HTTP date (RFC 9110, section 10.2.3). */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined || value.trim() === '') return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Waits, or rejects with the signal's reason. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}
