import assert from 'node:assert/strict';
import process from 'node:process';
import { type MockTracker, test } from 'node:test';
import { formatBytes, Progress } from '../../runtime/workspace/progress.ts';
import { terminalOf } from '../../runtime/workspace/terminal.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { memoryLog } from '../support/step.ts';
import { good, makeMachine, result } from './support.ts';

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
  terminalOf(stream, ['--folder=x'], {})?.('text');
  assert.deepEqual(written, ['text']);
  assert.equal(terminalOf({ ...stream, isTTY: false }, [], {}), undefined);
  assert.equal(terminalOf(stream, ['--log-format=json'], {}), undefined);
  assert.equal(terminalOf(stream, ['--log-format', 'json', '--folder=x'], {}), undefined);
});

test('a line is cut to the width that the terminal has then; where lines cannot be written over, it gets none', () => {
  const written: string[] = [];
  const stream = { isTTY: true, columns: 12, write: (text: string) => written.push(text) };
  const { log } = memoryLog();
  let time = 0;
  const progress = new Progress({
    log,
    doing: 'pushing',
    total: 9000,
    terminal: terminalOf(stream, [], {}),
    now: () => time,
  });
  for (const columns of [12, 20, 0]) {
    stream.columns = columns;
    time += 1000;
    progress.add(1000);
  }
  const long = 'pushing: 3.0 kB of 9.0 kB, 1.0 kB/s, 6 s left';
  const lines = ['pushing: 1.', 'pushing: 2.0 kB of ', long];
  assert.deepEqual(
    written,
    lines.map((line) => `\r\x1b[K${line}`),
  );
  assert.equal(terminalOf(stream, [], { TERM: 'dumb' }), undefined);
});

test('sizes are told in powers of 1000', () => {
  const sizes = [0, 999, 1000, 999_949, 999_999, 1.5e9, 2e15].map(formatBytes);
  assert.deepEqual(sizes, ['0 bytes', '999 bytes', '1.0 kB', '999.9 kB', '1.0 MB', '1.5 GB', '2000.0 TB']);
});

/** A clock that leaps by so many seconds each time that somebody looks at it. */
function leaping(mock: MockTracker, seconds: number): void {
  let time = 0;
  mock.method(performance, 'now', () => {
    time += seconds * 1000;
    return time;
  });
}

test('a push and a pull tell a log how far they are, and at the end what they have done', async ({ mock }) => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  machine.workspace('work', { a: 'x'.repeat(1_000_000), 'd/b': 'y' });
  leaping(mock, 6);
  const pushed = await good(machine.push('work', `--target=${registry.host}/app:1`));
  const { stderr } = pushed;
  assert.match(stderr, /^oci-workspace-push: pushing: \d\S* [kM]B of 1\.0 MB, 3 of 3 files, \S+ kB\/s, \d+ s left$/m);
  assert.match(
    stderr,
    /^oci-workspace-push: pushed \S+: 3 changes, \S+ k?B?(bytes)? in 1 new layer, in \S+ s, \S+ \S+B\/s$/m,
  );
  const pulled = await good(machine.pull('copy', '--', result(pushed, 'image')));
  assert.match(pulled.stderr, /^oci-workspace-pull: pulling: \S+ MB of 1\.0 MB, 3 files, \S+ kB\/s, \d+ s left$/m);
  assert.match(pulled.stderr, /^oci-workspace-pull: pulled \S+: 3 files and folders, 1\.0 MB, in \S+ s, \S+ kB\/s$/m);
});

test('on a terminal a push and a pull write one line over and over, and take it away', async ({ mock }) => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  machine.workspace('work', { a: 'x'.repeat(1_000_000), 'd/b': 'y' });
  leaping(mock, 1);
  const written: string[] = [];
  const { isTTY, columns } = process.stderr;
  const { TERM } = process.env;
  mock.method(process.stderr, 'write', (text: string) => written.push(text));
  Object.assign(process.stderr, { isTTY: true, columns: 200 });
  process.env.TERM = 'xterm';
  try {
    for (const step of ['push', 'pull'] as const) {
      written.length = 0;
      const flags = step === 'push' ? [`--target=${registry.host}/app:1`] : ['--', `${registry.host}/app:1`];
      const { stderr } = await good(machine[step](step === 'push' ? 'work' : 'copy', ...flags));
      assert.doesNotMatch(stderr, /: (pushing|pulling): /, 'no lines beside it');
      assert.match(
        (written[0] ?? '').replace('\r\x1b[K', '^'),
        /^\^(pushing|pulling): .* of 1\.0 MB, \d+( of 3)? files, .*\/s, \d+ s left$/,
      );
      assert.equal(written.at(-1), '\r\x1b[K');
    }
  } finally {
    Object.assign(process.stderr, { isTTY, columns });
    if (TERM === undefined) delete process.env.TERM;
    else process.env.TERM = TERM;
  }
});
