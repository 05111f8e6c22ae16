import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { pacResolve } from '../../steps/pac-resolve/step.ts';
import { makeFolder } from '../support/folder.ts';
import { execute } from '../support/step.ts';
import { parsedIn } from './support/parsed.ts';
import { naming, pipelineOf, runOf, taskOf } from './support/yaml.ts';

// What files may hold that nobody means well, or that an editor has done: a clear error or the right answer. What servers may send is
// in sources-network.test.ts and command/network.test.ts; expressions and globs without end are in event-select.test.ts.

type Content = string | Buffer;

async function resolve(files: Record<string, Content>) {
  await using folder = await makeFolder({ '.tekton/run.yaml': runOf({}, naming('x')) });
  for (const [name, content] of Object.entries(files))
    await writeFile(path.join(folder.path, '.tekton', name), content);
  return await execute(pacResolve, [`--source=${folder.path}`], { env: { HOME: folder.path } });
}

async function refusal(content: Content): Promise<string> {
  const { code, stdout, stderr } = await resolve({ 'x.yaml': content });
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
  assert.match(stderr, /^Error: /);
  assert.ok(stderr.length < 2000, 'an error does not repeat what it refuses');
  return stderr;
}

/** The image of the one task that `x.yaml` makes. */
async function imageOf(content: Content): Promise<string> {
  const { code, stdout, stderr } = await resolve({ 'x.yaml': content });
  assert.equal(code, 0, stderr);
  const [run] = await parsedIn(stdout);
  return run.spec.pipelineSpec.tasks[0].taskSpec.steps[0].image;
}

test('aliases of aliases of aliases end in an error, not in memory', async () => {
  const bomb = Array.from({ length: 12 }, (_all, index) =>
    index === 0
      ? 'a0: &a0 [lol]\n'
      : `a${index}: &a${index} [${Array(10)
          .fill(`*a${index - 1}`)
          .join(', ')}]\n`,
  ).join('');
  assert.match(
    await refusal(`${taskOf('x', 'i')}---\n${bomb}`),
    /x\.yaml, document 2, line \d+ has aliases that make more than/,
  );
  assert.match(await refusal('a: &a [*a]\n'), /x\.yaml, line 1/);
});

test('nesting without end is an error, in YAML and in JSON', async () => {
  const deep = 100_000;
  assert.match(await refusal(`${'[\n'.repeat(deep)}`), /x\.yaml, line \d+ is not valid YAML/);
  assert.match(await refusal(`a: ${'['.repeat(deep)}${']'.repeat(deep)}`), /x\.yaml, line 1 is not valid YAML/);
  const indented = Array.from({ length: 2000 }, (_all, index) => `${' '.repeat(index)}a:\n`).join('');
  assert.match(await refusal(indented), /x\.yaml, line \d+ is not valid YAML/);
  const task = { apiVersion: 'tekton.dev/v1', kind: 'Task', metadata: { name: 'x' }, spec: { steps: 'HERE' } };
  const json = JSON.stringify(task).replace('"HERE"', `[{"x": ${'['.repeat(deep)}${']'.repeat(deep)}}]`);
  assert.match(await refusal(json), /x\.yaml/);
});

test('a file that is larger than any object may be is refused by its size', async () => {
  assert.match(
    await refusal('#'.repeat(16 * 1024 * 1024 + 1)),
    /x\.yaml is 16777217 bytes long: expected at most 16777216/,
  );
});

test('a key that stands twice is an error with its line', async () => {
  assert.match(
    await refusal(`${taskOf('x', 'i')}kind: Task\n`),
    /x\.yaml, line 5 is not valid YAML: duplicated mapping key/,
  );
});

test('anchors and merge keys mean what they mean to the API server', async () => {
  const text =
    'apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: x}\nspec:\n  stepTemplate: &base {image: base, env: [{name: A, value: b}]}\n' +
    '  steps:\n    - <<: *base\n      name: s\n      image: own\n    - {<<: [{image: first}, *base], name: second}\n';
  const { stdout, stderr } = await resolve({ 'x.yaml': text });
  const [run] = await parsedIn(stdout, stderr);
  const env = [{ name: 'A', value: 'b' }];
  assert.deepEqual(run.spec.pipelineSpec.tasks[0].taskSpec.steps, [
    { name: 's', image: 'own', env },
    { name: 'second', image: 'first', env },
  ]);
});

test('a tab that indents is an error with its line, one within a text is not', async () => {
  assert.match(
    await refusal('apiVersion: tekton.dev/v1\nkind: Task\nmetadata:\n\tname: x\n'),
    /x\.yaml, line 4 is not valid YAML: .*tab/i,
  );
  assert.equal(await imageOf(taskOf('x', '"a\tb"')), 'a\tb');
});

test('line ends of Windows, a byte order mark, no last line end, and separators with comments change nothing', async () => {
  const text = `${taskOf('x', 'i')}--- # what follows is another\n${taskOf('other', 'o')}`;
  for (const [what, content] of [
    ['CRLF', text.replaceAll('\n', '\r\n')],
    ['BOM', `\uFEFF${text}`],
    ['no last line end', text.trimEnd()],
    ['a leading separator', `---\n${text}`],
    ['an end mark', `${text}...\n`],
    ['a directive', `%YAML 1.1\n---\n${text}`],
  ] as const) {
    assert.equal(await imageOf(content), 'i', what);
  }
});

test('a script with line ends of Windows keeps its lines', async () => {
  const text = taskOf('x', 'i').replace(
    '{steps: [{name: s, image: i}]}',
    '\n  steps:\n    - name: s\n      image: i\n      script: |\n        one\n        two\n',
  );
  const { stdout, stderr } = await resolve({ 'x.yaml': text.replaceAll('\n', '\r\n') });
  assert.match(stdout, /script: \|\n +one\n +two\n/, stderr);
});

test('what is not UTF-8 is an error that names the line', async () => {
  const [before, after] = taskOf('x', 'MARK').split('MARK');
  const latin1 = Buffer.concat([Buffer.from(before ?? ''), Buffer.from([0xe9]), Buffer.from(after ?? '')]);
  assert.match(await refusal(latin1), /x\.yaml, line 4 is not UTF-8 text/);
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(taskOf('x', 'i'), 'utf16le')]);
  assert.match(await refusal(utf16), /x\.yaml, line 1 is not UTF-8 text/);
});

test('characters that no YAML may hold are an error', async () => {
  assert.match(await refusal(taskOf('x', '"a\0b"')), /x\.yaml, line 4/);
});

test('names that JavaScript has for itself are names like others', async () => {
  const { code, stdout, stderr } = await resolve({
    'x.yaml': taskOf('x', 'i'),
    'p.yaml': pipelineOf('__proto__', '[]').replace('  name:', '  labels: {constructor: a, toString: b}\n  name:'),
    'run.yaml': runOf({}, naming('constructor', 'x')),
    'c.yaml': taskOf('constructor', 'c'),
  });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /image: c\n/);
});

test('ten thousand documents are read in one pass', async () => {
  const many = Array.from({ length: 10_000 }, (_all, index) => `a: ${index}\n`).join('---\n');
  assert.equal(await imageOf(`${many}---\n${taskOf('x', 'i')}`), 'i');
});
