import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, parseDuration } from '../../runtime/duration.ts';
import { hasCode } from '../../runtime/errors.ts';

for (const [text, ms] of [
  ['0', 0],
  ['0s', 0],
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['2m0.5s', 120_500],
  ['100ms', 100],
  ['1h0m0s', 3_600_000],
] as const) {
  test(`the duration ${text} is ${ms} ms`, () => assert.equal(parseDuration(text, 'x'), ms));
}

for (const text of ['', '5', 'h', '1h 30m', '-5s', '1d', '1h30', 's5', '1,5h', '1hh', 'PT5M']) {
  test(`${JSON.stringify(text)} is no duration`, () => {
    assert.throws(
      () => parseDuration(text, '--timeout'),
      (error: unknown) =>
        hasCode(error, 'INVALID') && /^--timeout must be a duration/.test(String((error as Error).message)),
    );
  });
}

test('every whole number of seconds is formatted as what is parsed to it again', () => {
  for (let seconds = 0; seconds < 1_000_000; seconds = seconds * 2 + Math.floor(Math.random() * 50) + 1) {
    const text = formatDuration(seconds * 1000);
    assert.equal(parseDuration(text, 'x'), seconds * 1000, text);
    assert.match(text, /^(\d+h)?(\d+m)?\d+s$/);
  }
});

test('parts of a second are cut, and less than nothing is nothing', () => {
  assert.equal(formatDuration(1999), '1s');
  assert.equal(formatDuration(-5), '0s');
});
