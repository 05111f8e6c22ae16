import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff, isRetriableStatus, parseRetryAfter, pause } from '../../runtime/retry.ts';

const policy = { attempts: 5, baseMs: 100, capMs: 1000 };

test('a delay lies anywhere between 0 and a bound that doubles up to the cap', () => {
  for (const [attempt, bound] of [
    [1, 100],
    [2, 200],
    [4, 800],
    [5, 1000],
    [50, 1000],
  ] as const) {
    const delays = Array.from({ length: 300 }, () => backoff(policy, attempt));
    assert.ok(delays.every((ms) => ms >= 0 && ms <= bound));
    assert.ok(Math.max(...delays) > bound / 2, 'the upper half is used');
    assert.ok(Math.min(...delays) < bound / 2, 'the lower half is used');
  }
});

test('Retry-After is kept, in seconds and as a date, over the cap but at most 5 minutes', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const within = (ms: number, least: number): boolean => ms >= least && ms <= least + policy.baseMs;
  assert.ok(within(backoff(policy, 1, '7', now), 7000));
  assert.ok(within(backoff(policy, 1, 'Thu, 01 Jan 2026 00:00:30 GMT', now), 30_000));
  assert.ok(within(backoff(policy, 1, '86400', now), 300_000));
  assert.ok(within(backoff(policy, 1, 'Wed, 31 Dec 2025 00:00:00 GMT', now), 0));
});

test('a Retry-After that means nothing is as none', () => {
  for (const value of [undefined, '', ' ', 'soon']) assert.equal(parseRetryAfter(value, 0), undefined);
});

test('statuses that heal are retried, those that never do are not', () => {
  for (const status of [408, 425, 429, 500, 502, 503, 504]) assert.ok(isRetriableStatus(status), String(status));
  for (const status of [200, 301, 400, 401, 403, 404, 409, 410, 422, 501, 505]) {
    assert.ok(!isRetriableStatus(status), String(status));
  }
});

test('a pause ends at once with the reason of an abort', async () => {
  const stop = new AbortController();
  const waiting = pause(3_600_000, stop.signal);
  const reason = new Error('enough');
  stop.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  await assert.rejects(pause(1, stop.signal), (error) => error === reason);
});
