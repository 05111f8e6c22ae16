import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKube } from '../../fakes/kube.ts';
import { makeFolder } from '../../support/folder.ts';
import { clientOf } from '../../support/kube.ts';
import { runOf, taskOf } from '../support/yaml.ts';
import { refusal, resolve } from './command.ts';

test('--validate tells all findings of all runs, each with its file and line', async () => {
  await using folder = await makeFolder({
    '.tekton/a.yaml': `${runOf(
      {},
      '\n  pipelineSpec:\n    tasks:\n      - name: one\n        taskRef: {name: x}\n        params:\n          - {name: p, value: [v]}\n      - name: two\n        runAfter: [ghost]\n        taskRef: {name: x}',
    )}`,
    '.tekton/x.yaml': `${taskOf('x', 'i').replace('spec: {', 'spec: {params: [{name: p}], stepz: [], ')}`,
    '.tekton/b.yaml': runOf({}, '{pipelineSpec: {tasks: []}, pipelineRef: {name: p, resolver: git}}', 'other'),
  });
  const message = await refusal(folder.path, ['-f', '.tekton', '--validate']);
  const lines = message.split('\n');
  assert.equal(lines[0], 'Error: the result is not valid:');
  const found = (form: RegExp) =>
    assert.ok(
      lines.some((line) => form.test(line)),
      `${form}\n${message}`,
    );
  found(/^\.tekton\/a\.yaml, line 11: error: .*param p /);
  found(/^\.tekton\/a\.yaml, line 1[23]: error: .*ghost/);
  found(/^\.tekton\/x\.yaml, line \d: error: there is no field stepz here, did you mean steps\?/);
  found(/^\.tekton\/b\.yaml, line \d: error: .*either pipelineRef or pipelineSpec/);
});

test('a result that is valid is printed, and warnings are lines of the log', async () => {
  const body = `${runOf({}, '{pipelineSpec: {tasks: [{name: t, taskRef: {name: x}}]}}')}---\n${taskOf('x', 'i')}`;
  await using folder = await makeFolder({ '.tekton/a.yaml': body });
  const { code, stdout, stderr } = await resolve(folder.path, ['-f', '.tekton', '--validate']);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  assert.match(stdout, /generateName: main-/);
  await folder.write('.tekton/a.yaml', body.replace('image: i', `image: i, script: '${'x'.repeat(1_400_000)}'`));
  const large = await resolve(folder.path, ['-f', '.tekton', '--validate', '--log-format=json', '-o', 'out.yaml']);
  assert.equal(large.code, 0, large.stderr);
  const warning: unknown = JSON.parse(large.stderr);
  assert.match(
    JSON.stringify(warning),
    /"level":"warn".*a\.yaml, line 1: warning: the run is \d+ bytes as JSON, near the limit/,
  );
});

test('what the API server has no room for is an error that says what takes it: of --validate, and before --create', async () => {
  const script = (letter: string, size: number) => `{name: ${letter}, image: i, script: '${letter.repeat(size)}'}`;
  await using folder = await makeFolder({
    '.tekton/a.yaml': runOf(
      { task: '[./big.yaml, ./small.yaml]' },
      '{pipelineSpec: {tasks: [{name: b, taskRef: {name: big}}, {name: s, taskRef: {name: small}}]}}',
    ),
    'big.yaml': `apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: big}\nspec: {steps: [${script('a', 1_500_000)}]}\n`,
    'small.yaml': `apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: small}\nspec: {steps: [${script('b', 100_000)}]}\n`,
    '.tekton/b.yaml': runOf(
      { note: 'n'.repeat(262_144) },
      '{pipelineSpec: {tasks: [{name: t, taskSpec: {steps: [{name: s, image: i}]}}]}}',
      'noted',
    ),
  });
  const room =
    /a\.yaml, line 1: error: the run is 16\d{5} bytes as JSON: expected at most 1572864; what takes the room: spec\.pipelineSpec\.tasks\[0\]\.taskSpec \(15\d{5} bytes, big\.yaml\), spec\.pipelineSpec\.tasks\[1\]\.taskSpec \(1\d{5} bytes, small\.yaml\)/;
  const annotations =
    /b\.yaml, line 6: error: the annotations are 262\d{3} bytes: expected at most 262144; what takes the room: pipelinesascode\.tekton\.dev\/note \(262\d{3} bytes\)/;
  const validated = await refusal(folder.path, ['-f', '.tekton', '--validate']);
  assert.match(validated, room);
  assert.match(validated, annotations);
  await using kube = await FakeKube.start();
  await using own = await clientOf(kube);
  const created = await refusal(folder.path, ['-f', '.tekton', '--create', '--kubeconfig', own.kubeconfig]);
  assert.match(created, /^Error: the result is too large:\n/);
  assert.match(created, room);
  assert.equal(kube.requests.length, 0);
});
