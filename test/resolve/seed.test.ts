import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYamlAll } from '../../runtime/yaml.ts';
import { pacResolve } from '../../steps/pac-resolve/step.ts';
import { makeFolder } from '../support/folder.ts';
import { execute, type StepRun } from '../support/step.ts';

// One test a sentence of the document that the resolver is held to, named after it. Here are those that need files only.

const prefix = 'pipelinesascode.tekton.dev';

function run(annotations: Record<string, string>, spec: string, name = 'main'): string {
  const lines = Object.entries(annotations).map(([key, value]) => `    ${prefix}/${key}: ${JSON.stringify(value)}\n`);
  return (
    `apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata:\n  name: ${name}\n` +
    `${lines.length === 0 ? '' : `  annotations:\n${lines.join('')}`}spec: ${spec}\n`
  );
}
const pipeline = (name: string, tasks: string): string =>
  `apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: ${name}}\nspec: {tasks: ${tasks}}\n`;
const task = (name: string, image: string): string =>
  `apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: ${name}}\nspec: {steps: [{name: s, image: ${image}}]}\n`;
const one = (name: string): string => `{pipelineSpec: {tasks: [{name: t, taskRef: {name: ${name}}}]}}`;

async function resolve(files: Record<string, string>, ...flags: string[]): Promise<StepRun> {
  await using folder = await makeFolder(files);
  return execute(pacResolve, [`--source=${folder.path}`, ...flags]);
}

async function runsOf(files: Record<string, string>, ...flags: string[]) {
  const { code, stdout, stderr } = await resolve(files, ...flags);
  assert.equal(code, 0, stderr);
  // biome-ignore lint/suspicious/noExplicitAny: tests look into resolved objects
  return (await parseYamlAll(stdout, 'stdout')) as any[];
}

async function failure(files: Record<string, string>, ...flags: string[]): Promise<string> {
  const { code, stdout, stderr } = await resolve(files, ...flags);
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^Error: /);
  return stderr;
}

test('parses any files ending with a .yaml or .yml suffix in the .tekton directory and subdirectory', async () => {
  const [main] = await runsOf({
    '.tekton/a/run.yml': run({}, one('deep')),
    '.tekton/b/c/d.yaml': task('deep', 'found'),
    '.tekton/readme.md': 'not: yaml: at: all',
  });
  assert.equal(main.spec.pipelineSpec.tasks[0].taskSpec.steps[0].image, 'found');
});

test('automatically attempts to detect any Tekton resources like Pipeline, PipelineRun, Task', async () => {
  const text = `just: fields\n--- # comment\n${run({}, '{pipelineRef: {name: p}}')}---\n${pipeline('p', '[{name: t, taskRef: {name: x}}]')}---\n${task('x', 'i')}---\napiVersion: v1\nkind: ConfigMap\n`;
  const runs = await runsOf({ '.tekton/all.yaml': text });
  assert.equal(runs.length, 1);
});

test('resolves a PipelineRun as a single PipelineRun with an embedded PipelineSpec of the referenced Task or Pipeline', async () => {
  const [main] = await runsOf({
    '.tekton/run.yaml': run({}, '{pipelineRef: {name: p}}'),
    '.tekton/p.yaml': pipeline('p', '[{name: t, taskRef: {name: x}}]'),
    '.tekton/x.yaml': task('x', 'i'),
  });
  assert.deepEqual(main.spec, {
    pipelineSpec: { tasks: [{ name: 't', taskSpec: { steps: [{ image: 'i', name: 's' }] } }] },
  });
});

test('in any case of errors in any YAML files, parsing will halt, and errors will be reported', async () => {
  const message = await failure({
    '.tekton/run.yaml': run({}, one('x')),
    '.tekton/x.yaml': `${task('x', 'i')}---\na: 1\n  b: 2\n`,
  });
  assert.match(message, /\.tekton\/x\.yaml, document 2, line \d+ is not valid YAML/);
});

test('the name becomes a generateName, to ensure each PipelineRun is unique', async () => {
  const files = { '.tekton/run.yaml': run({}, '{pipelineSpec: {tasks: []}}') };
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
  const files = { '.tekton/run.yaml': run({}, JSON.stringify({ pipelineSpec: { tasks } })) };
  const [main] = await runsOf(files, '--skip=left');
  assert.deepEqual(main.spec.pipelineSpec.tasks, tasks);
});

test('if the referenced tasks cannot be resolved, the run will fail before applying it', async () => {
  const message = await failure({ '.tekton/run.yaml': run({}, one('ghost')) });
  assert.match(message, /run\.yaml, line 5: cannot find referenced task ghost/);
});

test('if multiple annotations reference the same task name the resolver will pick the first one', async () => {
  const [main] = await runsOf({
    '.tekton/run.yaml': run({ 'task-10': './ten.yaml', 'task-2': './two.yaml', 'task-9': './nine.yaml' }, one('x')),
    'ten.yaml': task('x', 'ten'),
    'two.yaml': task('x', 'two'),
    'nine.yaml': task('x', 'nine'),
  });
  assert.equal(main.spec.pipelineSpec.tasks[0].taskSpec.steps[0].image, 'two');
});

test('a reference to a task from a YAML file inside your repository by its relative path', async () => {
  const [main] = await runsOf({
    '.tekton/run.yaml': run({ task: '[share/tasks/x.yaml]' }, one('x')),
    'share/tasks/x.yaml': task('x', 'shared'),
  });
  assert.equal(main.spec.pipelineSpec.tasks[0].taskSpec.steps[0].image, 'shared');
});

test('if there is any error fetching those resources, it will error out', async () => {
  assert.match(await failure({ '.tekton/run.yaml': run({ task: './none.yaml' }, one('x')) }), /none\.yaml/);
});

test('if the object fetched cannot be parsed as a Tekton Task it will error out', async () => {
  const files = { '.tekton/run.yaml': run({ task: './x.yaml' }, one('x')), 'x.yaml': pipeline('x', '[]') };
  assert.match(await failure(files), /must be one Task, but holds Pipeline x/);
});

test('only one pipeline annotation is allowed, and its value should have one pipeline', async () => {
  const files = { '.tekton/run.yaml': run({ pipeline: '[./a.yaml, ./b.yaml]' }, '{pipelineRef: {name: a}}') };
  assert.match(await failure(files), /must name one Pipeline, but names 2/);
});

test('annotations like pipeline-1 are not supported', async () => {
  const files = {
    '.tekton/run.yaml': run({ 'pipeline-1': './a.yaml' }, '{pipelineRef: {name: a}}'),
    'a.yaml': pipeline('a', '[]'),
  };
  assert.match(await failure(files), /cannot find referenced pipeline a/);
});

test('a task of the remote pipeline is overridden by one of the same name in the PipelineRun annotations', async () => {
  const files = {
    '.tekton/run.yaml': run({ pipeline: './share/p.yaml', task: './mine.yaml' }, '{pipelineRef: {name: p}}'),
    'share/p.yaml': pipeline('p', '[{name: t, taskRef: {name: x}}]').replace(
      '{name: p}',
      `{name: p, annotations: {${prefix}/task: ./x.yaml}}`,
    ),
    'share/x.yaml': task('x', 'theirs'),
    'mine.yaml': task('x', 'mine'),
  };
  const [main] = await runsOf(files);
  assert.equal(main.spec.pipelineSpec.tasks[0].taskSpec.steps[0].image, 'mine');
});

test('a task is found in the PipelineRun annotations, then the Pipeline annotations, then the Tekton directory', async () => {
  const annotated = pipeline(
    'p',
    '[{name: a, taskRef: {name: a}}, {name: b, taskRef: {name: b}}, {name: c, taskRef: {name: c}}]',
  ).replace('{name: p}', `{name: p, annotations: {${prefix}/task: '[./pa.yaml, ./pb.yaml]'}}`);
  const [main] = await runsOf({
    '.tekton/run.yaml': run({ pipeline: './p.yaml', task: './ra.yaml' }, '{pipelineRef: {name: p}}'),
    'p.yaml': annotated,
    'ra.yaml': task('a', 'run'),
    'pa.yaml': task('a', 'pipeline'),
    'pb.yaml': task('b', 'pipeline'),
    '.tekton/tasks.yaml': ['a', 'b', 'c'].map((name) => task(name, 'folder')).join('---\n'),
  });
  const images = main.spec.pipelineSpec.tasks.map(
    (each: { taskSpec: { steps: { image: string }[] } }) => each.taskSpec.steps[0]?.image,
  );
  assert.deepEqual(images, ['run', 'pipeline', 'folder']);
});

test('a pipeline is found in the PipelineRun annotations, then the Tekton directory', async () => {
  const files = {
    '.tekton/run.yaml': run({ pipeline: './p.yaml' }, '{pipelineRef: {name: p}}'),
    'p.yaml': pipeline('p', '[{name: remote, taskSpec: {steps: []}}]'),
    '.tekton/p.yaml': pipeline('p', '[{name: local, taskSpec: {steps: []}}]'),
  };
  const [remote] = await runsOf(files);
  assert.equal(remote.spec.pipelineSpec.tasks[0].name, 'remote');
  const [local] = await runsOf(files, '--remoteTask=false');
  assert.equal(local.spec.pipelineSpec.tasks[0].name, 'local');
});
