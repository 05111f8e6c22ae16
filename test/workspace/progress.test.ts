import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, Progress } from '../../runtime/workspace/progress.ts';
import { terminalOf } from '../../runtime/workspace/terminal.ts';
import { memoryLog } from '../support/step.ts';

test('a log gets a line every five seconds: bytes, files, rate and how long it takes', () => {
  const { log, lines } = memoryLog();
  let time = 1000;
  const progress = new Progress({ log, doing: 'pulling', total: 100_000_000, files: 80, now: () => time });
  for (const [at, bytes, files] of [
    [2000, 10_000_000, 3],
    [5999, 5_000_000, 0],
    [6000, 10_000_000, 9],
    [10_999, 25_000_000, 30],
    [11_000, 0, 0],
  ] as const) {
    time = at;
    progress.add(bytes, files);
  }
  assert.deepEqual(lines, [
    'test: pulling: 25.0 MB of 100.0 MB, 12 of 80 files, 5.0 MB/s, 15 s left',
    'test: pulling: 50.0 MB of 100.0 MB, 42 of 80 files, 5.0 MB/s, 10 s left',
  ]);
  assert.equal(progress.end(), 'in 10.0 s, 5.0 MB/s');
});

test('a terminal has one line that is written over, and taken away at the end', () => {
  const { log, lines } = memoryLog();
  let time = 0;
  const written: string[] = [];
  const terminal = (text: string) => written.push(text);
  const progress = new Progress({ log, doing: 'pushing', total: undefined, terminal, now: () => time });
  progress.add(1000);
  time = 500;
  progress.add(1000, 7);
  progress.end();
  progress.end();
  assert.deepEqual(written, ['\r\x1b[Kpushing: 2.0 kB, 7 files, 4.0 kB/s', '\r\x1b[K']);
  assert.deepEqual(lines, []);
});

test('only a terminal is written over, and not where lines are for machines', () => {
  const written: string[] = [];
  const stream = { isTTY: true, write: (text: string) => written.push(text) };
  terminalOf(stream, ['--folder=x'])?.('text');
  assert.deepEqual(written, ['text']);
  assert.equal(terminalOf({ ...stream, isTTY: false }, []), undefined);
  assert.equal(terminalOf(stream, ['--log-format=json']), undefined);
});

test('sizes are told in powers of 1000', () => {
  const sizes = [0, 999, 1000, 999_949, 999_999, 1.5e9, 2e15].map(formatBytes);
  assert.deepEqual(sizes, ['0 bytes', '999 bytes', '1.0 kB', '999.9 kB', '1.0 MB', '1.5 GB', '2000.0 TB']);
});
