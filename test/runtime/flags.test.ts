import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SubpipeError } from '../../runtime/errors.ts';
import { choice, duration, integer, list, resourceName, text, textMap, toggle, yaml } from '../../runtime/params.ts';
import { addSecret } from '../../runtime/redact.ts';
import { arrayResult, textResult } from '../../runtime/results.ts';
import { defineStep } from '../../runtime/step.ts';
import { version } from '../../runtime/version.ts';
import { execute } from '../support/step.ts';

/** Reports what it was given. */
const echo = defineStep({
  name: 'echo',
  summary: 'Says what it was given.',
  description: 'More about it.',
  params: {
    name: resourceName('A name of something.', { required: true }),
    note: text('Any text.'),
    retries: integer('How often.', { default: '0', max: 9 }),
    timeout: duration('How long.'),
    onFailure: choice(['fail', 'continue'], 'What then.', { default: 'fail' }),
    dryRun: toggle('Only look.'),
    labels: textMap('Labels.'),
    any: yaml('Anything.', (value) => value),
    words: list('Words.', { form: 'WORD' }),
  },
  results: { seen: textResult('What it was given.'), words: arrayResult('The words.') },
  async run({ params, report }) {
    const { words, ...rest } = params;
    await report({ seen: JSON.stringify(rest), words });
  },
});

async function seen(...argv: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await execute(echo, ['--name=a', ...argv]);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  const printed: { seen: string; words: string[] } = JSON.parse(stdout);
  const { logFormat, logLevel, resultsLimit, ...own } = JSON.parse(printed.seen);
  assert.deepEqual([logFormat, logLevel, resultsLimit], ['text', 'info', undefined]);
  return { ...own, words: printed.words };
}

async function refused(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await execute(echo, argv);
  assert.equal(stdout, '');
  assert.equal(code, 2, stderr);
  return stderr.replace(/^echo: error: /, '').trimEnd();
}

test('flags become values of their types', async () => {
  const given = [
    '--note=x y',
    '--retries=3',
    '--timeout=1m30s',
    '--on-failure=continue',
    '--dry-run',
    '--labels={a: 1}',
  ];
  assert.deepEqual(await seen(...given, '--any=[1, {b: no}]'), {
    name: 'a',
    note: 'x y',
    retries: 3,
    timeout: 90_000,
    onFailure: 'continue',
    dryRun: true,
    labels: { a: '1' },
    any: [1, { b: false }],
    words: [],
  });
});

test('a flag that is left out takes its default or stays unset', async () => {
  assert.deepEqual(await seen(), { name: 'a', retries: 0, onFailure: 'fail', dryRun: false, words: [] });
});

test('an empty value counts as not given, because a Task cannot leave a flag out', async () => {
  assert.deepEqual(
    await seen('--note=', '--retries=', '--timeout=', '--on-failure=', '--dry-run=', '--labels=', '--any='),
    {
      ...(await seen()),
    },
  );
});

test('an empty value of a required flag is a missing one', async () => {
  assert.match(await refused('--name='), /^--name is missing: expected NAME, a name of something/);
});

test('the words after -- are the list, whatever they look like', async () => {
  const words = ['--name=b', '-x', '--', '', 'a=b', '--unknown'];
  assert.deepEqual((await seen('--', ...words)).words, words);
  assert.equal((await seen('--', ...words)).name, 'a');
});

test('a list is also its flag repeated', async () => {
  assert.deepEqual((await seen('--words=a', '--words=b', '--', 'c')).words, ['a', 'b', 'c']);
});

test('a value keeps its equal signs, dashes and digits as text', async () => {
  assert.equal((await seen('--note=a=b')).note, 'a=b');
  assert.equal((await seen('--note=--x')).note, '--x');
  assert.equal((await seen('--note=007')).note, '007');
  assert.equal((await seen('--note', '1e3')).note, '1e3');
});

test('the last of a repeated flag counts', async () => {
  assert.equal((await seen('--note=one', '--note=two')).note, 'two');
});

test('an unknown flag is named, and a near one proposed', async () => {
  assert.equal(await refused('--name=a', '--colour=red'), 'there is no flag --colour. Run echo --help for all flags.');
  assert.match(await refused('--name=a', '--onfailure=fail'), /no flag --onfailure: did you mean --on-failure\?/);
  assert.match(await refused('--name=a', '--retries2'), /did you mean --retries\?/);
});

test('a known flag with no- before it is unknown', async () => {
  assert.match(await refused('--name=a', '--no-note'), /no flag --no-note/);
  assert.match(await refused('--no-name'), /no flag --no-name/);
});

test('a word that belongs to no flag is refused', async () => {
  assert.match(await refused('--name=a', 'stray'), /^the word "stray" belongs to no flag: expected --name=value/);
});

test('words after -- are refused by a step without a list', async () => {
  const step = defineStep({ name: 'none', summary: 'x', params: {}, results: {}, run: async () => undefined });
  const { code, stderr } = await execute(step, ['--', 'word']);
  assert.equal(code, 2);
  assert.match(stderr, /the word "word" belongs to no flag/);
});

test('a missing required flag is named with what was expected', async () => {
  assert.equal(await refused(), '--name is missing: expected NAME, a name of something.');
});

for (const [flag, value, expected] of [
  ['--name', 'Not_A_Name', 'must be a Kubernetes name (lower case letters, digits, - and .), but is "Not_A_Name"'],
  ['--name', 'a'.repeat(254), 'must be a Kubernetes name'],
  ['--retries', '1.5', 'must be a whole number, 0 to 9, but is "1.5"'],
  ['--retries', '10', 'must be a whole number, 0 to 9, but is "10"'],
  ['--retries', '-1', 'must be a whole number, 0 to 9, but is "-1"'],
  ['--retries', '0x1', 'must be a whole number'],
  ['--timeout', 'soon', 'must be a duration such as 90s, 10m or 1h30m, but is "soon"'],
  ['--on-failure', 'panic', 'must be one of fail, continue, but is "panic"'],
  ['--dry-run', 'yes', 'must be true or false, but is "yes"'],
  ['--labels', '[a]', 'must be an object, but is a list of 1'],
  ['--labels', '{a: {b: c}}', '.a must be a string, but is an object with b'],
  ['--any', '{a: [', ', line 1 is not valid YAML'],
  ['--any', 'a: 1\n---\nb: 2', 'must be one YAML document, but holds 2'],
  ['--results-limit', '100', 'must be a whole number, 256 or more, but is "100"'],
  ['--log-format', 'xml', 'must be one of text, json, but is "xml"'],
] as const) {
  test(`a bad value is refused with the flag, what was expected and what came: ${flag}=${value.slice(0, 20)}`, async () => {
    const message = await refused('--name=a', `${flag}=${value}`);
    assert.ok(message.startsWith(`${flag}${/^[.,]/.test(expected) ? '' : ' '}${expected}`), message);
  });
}

test('--help shows every flag, default and result, and does no work', async () => {
  const { code, stdout, stderr } = await execute(echo, ['--help']);
  assert.equal(code, 0);
  assert.equal(stderr, '');
  for (const part of [
    'echo: Says what it was given.',
    'More about it.',
    '--name=NAME',
    '(required)',
    '--on-failure=fail|continue',
    '(default fail)',
    '-- WORD...',
    '--log-format=text|json',
    '--results-limit=N',
    '--result.seen=PATH',
    'Exit codes: 0 done, 1',
  ]) {
    assert.ok(stdout.includes(part), `${part} is not in:\n${stdout}`);
  }
  assert.ok(!stdout.includes('--kubeconfig'), 'a step without rights has no flags for Kubernetes');
});

test('--version prints the version, which is that of package.json', async () => {
  assert.equal((await execute(echo, ['--version'])).stdout, `echo ${version}\n`);
  const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
  assert.equal(version, manifest.version);
});

const throws = (error: () => unknown) =>
  defineStep({
    name: 'thrower',
    summary: 'Fails.',
    params: {},
    results: {},
    run: async () => {
      throw error();
    },
  });

for (const [code, exit] of [
  ['FAILED', 1],
  ['NOT_FOUND', 1],
  ['CONFLICT', 1],
  ['ABORTED', 1],
  ['INVALID', 2],
  ['FORBIDDEN', 3],
  ['UNAVAILABLE', 3],
] as const) {
  test(`an error ${code} ends a step with ${exit}`, async () => {
    const { code: got, stderr } = await execute(
      throws(() => new SubpipeError(code, 'it went wrong')),
      [],
    );
    assert.equal(got, exit);
    assert.equal(stderr, 'thrower: error: it went wrong.\n');
  });
}

test('an error that nobody expected ends a step with 1 and its stack only with --log-level=debug', async () => {
  const step = throws(() => new TypeError('x is not a function'));
  const short = await execute(step, []);
  assert.equal(short.code, 1);
  assert.equal(short.stderr, 'thrower: error: x is not a function.\n');
  assert.match((await execute(step, ['--log-level=debug'])).stderr, /debug: TypeError: x is not a function\n +at /);
});

const speaker = defineStep({
  name: 'speaker',
  summary: 'Logs.',
  params: {},
  results: {},
  async run({ log }) {
    log.debug('quiet');
    log.info('a "quoted" line', { run: 'tests', secret: 'hunter2-hunter2' });
    log.warn('careful');
    log.line('tests/unit/run', 'ok 1');
    throw new SubpipeError('FAILED', 'the token hunter2-hunter2 was refused', {
      cause: new Error('https://bob:pa55@git.example/x said Authorization: Bearer abc.def'),
    });
  },
});

test('the log is lines for people', async () => {
  const { stderr } = await execute(speaker, []);
  assert.equal(stderr.split('\n')[0], 'speaker: a "quoted" line');
  assert.ok(stderr.includes('\nspeaker: warn: careful\n[tests/unit/run] ok 1\n'), stderr);
});

test('--log-format=json makes every line one JSON object', async () => {
  const { stderr } = await execute(speaker, ['--log-format=json', '--log-level=debug']);
  const lines: Record<string, unknown>[] = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ level, message, step, from, run }) => [level, step ?? from, message, run]).slice(0, 4),
    [
      ['debug', 'speaker', 'quiet', undefined],
      ['info', 'speaker', 'a "quoted" line', 'tests'],
      ['warn', 'speaker', 'careful', undefined],
      ['log', 'tests/unit/run', 'ok 1', undefined],
    ],
  );
  assert.ok(lines.every(({ time }) => typeof time === 'string' && !Number.isNaN(Date.parse(time))));
});

test('--log-format=json holds for errors of the other flags as well', async () => {
  const { code, stderr } = await execute(echo, ['--log-format=json']);
  assert.equal(code, 2);
  assert.equal(JSON.parse(stderr).level, 'error');
});

test('--log-level leaves out what is below', async () => {
  const { stderr } = await execute(speaker, ['--log-level=error']);
  assert.ok(!stderr.includes('careful'));
  assert.ok(stderr.includes('error: '));
});

for (const format of ['text', 'json']) {
  test(`secrets are in no line and no error of the log (${format})`, async () => {
    addSecret('hunter2-hunter2');
    const { stderr } = await execute(speaker, [`--log-format=${format}`]);
    assert.ok(!/hunter2|pa55|abc\.def/.test(stderr), stderr);
    assert.ok(stderr.includes('the token *** was refused: https://***@git.example/x'), stderr);
  });
}

test('a definition with two lists is refused, because only one can follow --', () => {
  assert.throws(
    () =>
      defineStep({
        name: 'two',
        summary: '',
        params: { a: list('a'), b: list('b') },
        results: {},
        run: async () => undefined,
      }),
    TypeError,
  );
});
