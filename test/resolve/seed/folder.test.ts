import assert from 'node:assert/strict';
import { test } from 'node:test';
import { naming, pipelineOf, runOf, taskOf } from '../support/yaml.ts';
import { failure, imagesOf, runsOf } from './support.ts';

test('parses any files ending with a .yaml or .yml suffix in the .tekton directory and subdirectory', async () => {
  const [main] = await runsOf({
    '.tekton/a/run.yml': runOf({}, naming('deep')),
    '.tekton/b/c/d.yaml': taskOf('deep', 'found'),
    '.tekton/readme.md': 'not: yaml: at: all',
  });
  assert.equal(main.spec.pipelineSpec.tasks[0].taskSpec.steps[0].image, 'found');
});

test('automatically attempts to detect any Tekton resources like Pipeline, PipelineRun, Task', async () => {
  const text = `just: fields\n--- # comment\n${runOf({}, '{pipelineRef: {name: p}}')}---\n${pipelineOf('p', '[{name: t, taskRef: {name: x}}]')}---\n${taskOf('x', 'i')}---\napiVersion: v1\nkind: ConfigMap\n`;
  const runs = await runsOf({ '.tekton/all.yaml': text });
  assert.equal(runs.length, 1);
});

test('resolves a PipelineRun as a single PipelineRun with an embedded PipelineSpec of the referenced Task or Pipeline', async () => {
  const [main] = await runsOf({
    '.tekton/run.yaml': runOf({}, '{pipelineRef: {name: p}}'),
    '.tekton/p.yaml': pipelineOf('p', '[{name: t, taskRef: {name: x}}]'),
    '.tekton/x.yaml': taskOf('x', 'i'),
  });
  assert.deepEqual(main.spec, {
    pipelineSpec: { tasks: [{ name: 't', taskSpec: { steps: [{ image: 'i', name: 's' }] } }] },
  });
});

test('in any case of errors in any YAML files, parsing will halt, and errors will be reported', async () => {
  const message = await failure({
    '.tekton/run.yaml': runOf({}, naming('x')),
    '.tekton/x.yaml': `${taskOf('x', 'i')}---\na: 1\n  b: 2\n`,
  });
  assert.match(message, /\.tekton\/x\.yaml, document 2, line \d+ is not valid YAML/);
});

test('the name becomes a generateName, to ensure each PipelineRun is unique', async () => {
  const files = { '.tekton/run.yaml': runOf({}, '{pipelineSpec: {tasks: []}}') };
  const [main] = await runsOf(files);
  assert.equal(main.metadata.generateName, 'main-');
  assert.equal(main.metadata.name, undefined);
  const [kept] = await runsOf(files, '--no-generate-name');
  assert.equal(kept.metadata.name, 'main');
});

test('the resolver will skip these types of tasks and use them as is', async () => {
  const tasks = [
    { name: 'a', taskRef: { resolver: 'git', params: [{ name: 'url', value: 'u' }] } },
    { name: 'b', taskRef: { name: 'custom', apiVersion: 'example.dev/v1', kind: 'Custom' } },
    { name: 'c', taskRef: { name: 'gone', kind: 'ClusterTask' } },
    { name: 'd', taskSpec: { steps: [{ name: 's', image: 'i' }] } },
    { name: 'e', taskRef: { name: 'left' } },
  ];
  const files = { '.tekton/run.yaml': runOf({}, JSON.stringify({ pipelineSpec: { tasks } })) };
  const [main] = await runsOf(files, '--skip=left');
  assert.deepEqual(main.spec.pipelineSpec.tasks, tasks);
});

test('if the referenced tasks cannot be resolved, the run will fail before applying it', async () => {
  const message = await failure({ '.tekton/run.yaml': runOf({}, naming('ghost')) });
  assert.match(message, /run\.yaml, line 5: cannot find referenced task ghost/);
});

test('a Pipeline and its PipelineRun may be split, in the .tekton directory or its subdirectories', async () => {
  const [main] = await runsOf({
    '.tekton/run.yaml': runOf({}, '{pipelineRef: {name: p}}'),
    '.tekton/pipelines/p.yaml': pipelineOf('p', '[{name: t, taskRef: {name: x}}]'),
    '.tekton/tasks/deep/x.yml': taskOf('x', 'i'),
  });
  assert.deepEqual(imagesOf(main), { t: 'i' });
});

test('all dependencies are contained within a single PipelineRun, which Tekton would take', async () => {
  const runs = await runsOf(
    {
      '.tekton/run.yaml': runOf({}, '{pipelineRef: {name: p}}'),
      '.tekton/p.yaml': pipelineOf('p', '[{name: t, taskRef: {name: x}}]'),
      '.tekton/x.yaml': taskOf('x', 'i'),
    },
    '--validate',
  );
  assert.deepEqual(
    runs.map(({ kind }) => kind),
    ['PipelineRun'],
  );
  assert.doesNotMatch(JSON.stringify(runs), /taskRef|pipelineRef/);
});

test('both resolvers are compatible: references with a Tekton resolver stay beside what is resolved', async () => {
  const remote = { resolver: 'hub', params: [{ name: 'name', value: 'git-clone' }] };
  const tasks = [
    { name: 'a', taskRef: remote },
    { name: 'b', taskRef: { name: 'x' } },
  ];
  const [main, other] = await runsOf({
    '.tekton/run.yaml': `${runOf({}, JSON.stringify({ pipelineSpec: { tasks } }))}---\n${runOf({}, JSON.stringify({ pipelineRef: remote }), 'other')}`,
    '.tekton/x.yaml': taskOf('x', 'i'),
  });
  assert.deepEqual(main.spec.pipelineSpec.tasks[0], tasks[0]);
  assert.equal(imagesOf(main).b, 'i');
  assert.deepEqual(other.spec, { pipelineRef: remote });
});
