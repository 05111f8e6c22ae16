import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { hasCode, SubpipeError } from '../../runtime/errors.ts';
import { type KubeObject, pods } from '../../runtime/kube/resource.ts';
import { arrayResult, textResult, writeResults } from '../../runtime/results.ts';
import { messageLimit } from '../../runtime/results-limit.ts';
import { defineStep } from '../../runtime/step.ts';
import { FakeKube } from '../fakes/kube.ts';
import { makeFolder } from '../support/folder.ts';
import { clientOf } from '../support/kube.ts';
import { execute, memoryLog } from '../support/step.ts';

test('text is written as it is, arrays and objects as JSON, into folders that are made', async () => {
  await using folder = await makeFolder();
  const at = (name: string): string => path.join(folder.path, 'results', name);
  await writeResults([
    { name: 'text', value: 'a\nb"', path: at('text') },
    { name: 'array', value: ['a', 'b"'], path: at('array') },
    { name: 'object', value: { a: '1' }, path: at('object') },
  ]);
  assert.equal(await readFile(at('text'), 'utf8'), 'a\nb"');
  assert.equal(await readFile(at('array'), 'utf8'), '["a","b\\""]');
  assert.equal(await readFile(at('object'), 'utf8'), '{"a":"1"}');
});

test('results over the limit are refused by name and size, largest first, and nothing is written', async () => {
  await using folder = await makeFolder();
  const at = (name: string): string => path.join(folder.path, name);
  const files = [
    { name: 'small', value: 'x', path: at('small') },
    { name: 'large', value: 'x'.repeat(4000), path: at('large') },
  ];
  await assert.rejects(writeResults(files), (error: unknown) => {
    assert.ok(error instanceof SubpipeError && hasCode(error, 'FAILED'));
    assert.match(
      error.message,
      /^the results take \d+ bytes, but the container's termination message holds 4096: large \(40\d\d bytes\), small \(\d+ bytes\)$/,
    );
    assert.match(error.hint ?? '', /sidecar-logs/);
    return true;
  });
  assert.deepEqual(await readdir(folder.path), []);
  await writeResults(files, 5000);
  assert.deepEqual((await readdir(folder.path)).sort(), ['large', 'small']);
});

/** What Tekton's entrypoint writes: Go's json.Marshal of the results, which escapes <, >, & and U+2028/9. */
function goMarshal(results: { key: string; value: string; type: number }[]): string {
  return JSON.stringify(results).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

test("what is let through fits into the message that Go writes, with the entrypoint's own entry", async () => {
  await using folder = await makeFolder();
  for (const piece of ['x', '<b>', '&', '\u2028', 'ü', '😀', '"', '\n', '\\']) {
    const fits = async (count: number): Promise<boolean> => {
      const value = piece.repeat(count);
      const file = path.join(folder.path, 'result');
      return writeResults([{ name: 'result', value, path: file }]).then(
        () => true,
        () => false,
      );
    };
    let [low, high] = [0, 4096];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (await fits(middle)) low = middle;
      else high = middle - 1;
    }
    const own = { key: 'StartedAt', value: '2026-01-01T00:00:00.000Z', type: 3 };
    const reason = { key: 'ExitCode', value: '1', type: 3 };
    const bytes = Buffer.byteLength(goMarshal([{ key: 'result', value: piece.repeat(low), type: 1 }, own, reason]));
    assert.ok(bytes <= 4096, `${JSON.stringify(piece)}: ${bytes} bytes`);
    assert.ok(bytes > 3800, `${JSON.stringify(piece)}: only ${bytes} bytes are let through`);
  }
});

const giver = defineStep({
  name: 'giver',
  summary: 'Gives.',
  params: {},
  results: { firstOne: textResult('One.'), many: arrayResult('Many.') },
  run: async ({ report }) => report({ firstOne: 'x' }),
});

test('a result goes to the path of its flag, and one that is not given is not written', async () => {
  await using folder = await makeFolder();
  const at = (name: string): string => path.join(folder.path, name);
  const { code, stdout } = await execute(giver, [`--result.first-one=${at('a')}`, `--result.many=${at('b')}`]);
  assert.equal(code, 0);
  assert.equal(stdout, '');
  assert.deepEqual(await readdir(folder.path), ['a']);
});

test('without paths the results are printed as one JSON object', async () => {
  assert.equal((await execute(giver, ['--result.first-one='])).stdout, '{"first-one":"x"}\n');
});

test('a result that the step does not have is an unknown flag', async () => {
  const { code, stderr } = await execute(giver, ['--result.other=x']);
  assert.equal(code, 2);
  assert.match(stderr, /no flag --result\.other/);
});

for (const [containers, limit] of [
  [2, 4096],
  [3, 4096],
  [4, 3072],
  [7, 1755],
] as const) {
  test(`in a pod of ${containers} containers results may take ${limit} bytes`, async () => {
    await using kube = await FakeKube.start();
    await using use = await clientOf(kube);
    await using folder = await makeFolder();
    const { log } = memoryLog();
    const list = Array.from({ length: containers - 1 }, () => ({}));
    const spec = { containers: list, initContainers: [{}] };
    kube.add<KubeObject & { spec: unknown }>(pods, { metadata: { name: 'me' }, spec });
    const allowed = () => messageLimit(use.client, { SUBPIPE_POD: 'me' }, log);
    const file = (length: number) => [{ name: 'r', value: 'x'.repeat(length), path: path.join(folder.path, 'r') }];
    await writeResults(file(100), allowed);
    assert.equal(kube.requests.length, 0, 'small results ask for nothing');
    await writeResults(file(limit - 300), allowed);
    await assert.rejects(writeResults(file(limit), allowed), new RegExp(`termination message holds ${limit}: r `));
    assert.equal((await readFile(path.join(folder.path, 'r'), 'utf8')).length, limit - 300, 'nothing is cut');
  });
}

test('a pod that may not be read is taken for one with all that Tekton adds, and that is said', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  const { log, lines } = memoryLog();
  kube.forbid({ resource: 'pods' });
  assert.equal(await messageLimit(use.client, { SUBPIPE_POD: 'me' }, log), 3072);
  assert.match(
    lines.join(),
    /containers of this pod cannot be counted, so results may take 3072 bytes: .*the verb get on pods/,
  );
  assert.equal(await messageLimit(use.client, {}, log), 4096);
});

test('a step that has no right to its pod counts the steps that Tekton tells it of', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  await using folder = await makeFolder();
  const { log, lines } = memoryLog();
  for (const step of ['0', '1', '2', '3', '4']) await mkdir(path.join(folder.path, step));
  assert.equal(await messageLimit(use.client, {}, log, folder.path), 1536);
  assert.equal(await messageLimit(use.client, {}, log, path.join(folder.path, 'nowhere')), 4096, 'a laptop');
  assert.deepEqual([kube.requests.length, lines], [0, []]);
});

test('spare results are left out where the results would not fit, the largest first, and that is said', async () => {
  await using folder = await makeFolder();
  const result = (name: string, length: number, spare?: boolean) => {
    return { name, value: 'x'.repeat(length), path: path.join(folder.path, name), spare };
  };
  const files = [
    result('image', 200),
    result('small', 10, true),
    result('large', 3000, true),
    result('more', 500, true),
  ];
  assert.equal(await writeResults(files), undefined);
  assert.deepEqual((await readdir(folder.path)).sort(), ['image', 'large', 'more', 'small']);
  for (const [limit, left] of [
    [1200, ['large']],
    [600, ['large', 'more']],
  ] as const) {
    for (const { path: file } of files) await rm(file);
    assert.match(String(await writeResults(files, limit)), new RegExp(`holds ${limit}: without ${left.join(', ')}$`));
    const kept = ['image', 'more', 'small'].filter((name) => !(left as readonly string[]).includes(name));
    assert.deepEqual((await readdir(folder.path)).sort(), kept);
    for (const { path: file } of files) await writeFile(file, '');
  }
  await assert.rejects(writeResults(files, 400), /holds 400: large \(30\d\d bytes\), more/);
});

test('a merge of more images than the results can name says which result is left out', async () => {
  const merger = defineStep({
    name: 'merger',
    summary: 'Gives many.',
    params: {},
    results: { all: arrayResult('All.', { spare: true }), one: textResult('One.') },
    async run({ report }) {
      await report({ all: Array.from({ length: 50 }, () => 'x'.repeat(100)), one: '1' });
    },
  });
  await using folder = await makeFolder();
  const flags = ['all', 'one'].map((name) => `--result.${name}=${path.join(folder.path, name)}`);
  const { code, stderr } = await execute(merger, flags);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /merger: warn: the results take \d+ bytes, but .* holds 4096: without all$/m);
  assert.deepEqual(await readdir(folder.path), ['one']);
});
