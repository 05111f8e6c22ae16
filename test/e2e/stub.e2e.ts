import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { taskRuns } from '../../runtime/kube/resource.ts';
import { labels, type PipelineRun, succeeded, type TaskRun } from '../../runtime/tekton/types.ts';
import { apply } from './support/apply.ts';
import { imageOf, kubectl, subpipe } from './support/command.ts';
import { kube } from './support/context.ts';
import { testNamespace } from './support/namespace.ts';
import { largePipeline, testsPipeline, testsResults } from './support/reports.ts';
import { childrenOf, ended, logOf, resultsOf, run, verdict } from './support/runs.ts';

/** Applies Pipelines and the stub of one, made by the command and applied by kubectl as a user would. */
async function stubbed(namespace: string, yaml: string, pipeline: string): Promise<string> {
  await apply(namespace, yaml);
  const made = await subpipe(['stub', pipeline, '-n', namespace, '--image', imageOf('subpipe')]);
  assert.equal(made.code, 0, made.stderr);
  await kubectl(['apply', '-n', namespace, '-f', '-'], made.stdout);
  return made.stdout;
}

function main(name: string, tasks: unknown[], rest: Record<string, unknown> = {}): string {
  const spec = { taskRunTemplate: { serviceAccountName: 'subpipe' }, pipelineSpec: { tasks, ...rest } };
  return JSON.stringify({ apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', metadata: { name }, spec });
}

/** A task that shows what it is given. */
function show(name: string, params: Record<string, unknown>, rest: Record<string, unknown> = {}): unknown {
  const entries = Object.entries(params);
  return {
    name,
    ...rest,
    params: entries.map(([key, value]) => ({ name: key, value })),
    taskSpec: {
      params: entries.map(([key, value]) => ({ name: key, type: Array.isArray(value) ? 'array' : 'string' })),
      steps: [
        {
          name: 'show',
          image: 'SHELL_IMAGE',
          command: ['echo'],
          args: entries.map(([key, value]) => (Array.isArray(value) ? `$(params.${key}[*])` : `$(params.${key})`)),
        },
      ],
    },
  };
}

async function tasksOf(namespace: string, parent: string): Promise<TaskRun[]> {
  const selector = { labelSelector: `${labels.pipelineRun}=${parent}` };
  return (await kube.list<TaskRun>(taskRuns, namespace, selector)).items;
}

describe('a Task made by subpipe stub', { concurrency: 2 }, () => {
  it('gives results of each type by name to later tasks, when expressions and finally tasks', async (t) => {
    const namespace = await testNamespace(t, 'stub');
    await stubbed(namespace, testsPipeline, 'tests');
    const params = [
      { name: 'image', value: 'app' },
      { name: 'suites', value: ['unit', 'e2e'] },
      { name: 'target', value: { region: 'us', zone: 'b' } },
      { name: 'subpipe-timeout', value: '5m' },
    ];
    const done = await run(
      namespace,
      main(
        'main',
        [
          { name: 'tests', taskRef: { name: 'tests' }, params },
          show('later', {
            url: '$(tasks.tests.results.url)',
            reports: ['$(tasks.tests.results.reports[*])'],
            passed: '$(tasks.tests.results.totals.passed) in $(tasks.tests.results.place.region)',
          }),
          show(
            'never',
            { why: 'its when is false' },
            { when: [{ input: '$(tasks.tests.results.totals.failed)', operator: 'notin', values: ['0'] }] },
          ),
        ],
        { finally: [show('last', { text: '$(tasks.tests.results.subpipe-status) $(tasks.tests.results.url)' })] },
      ),
    );
    assert.equal(verdict(done), 'True Completed', 'Completed: one task was skipped');
    assert.match(await logOf(namespace, 'main', 'later'), /^https:\/\/reports.example\/app a.xml b.xml 2 in us$/m);
    assert.match(await logOf(namespace, 'main', 'last'), /^Succeeded https:\/\/reports.example\/app$/m);
    const results = await resultsOf(namespace, 'main', 'tests');
    const [called] = await childrenOf(namespace, 'main');
    assert.deepEqual(results, {
      ...testsResults,
      'subpipe-status': 'Succeeded',
      'subpipe-reason': 'Succeeded',
      'subpipe-runs': [called?.metadata.name],
      'subpipe-failed-tasks': [],
    });
    assert.equal(called?.spec.timeouts?.pipeline, '5m0s', "the call's own options do not go to the child as params");
  });

  it('is checked by Tekton before any task of the parent begins', async (t) => {
    const namespace = await testNamespace(t, 'refused');
    await stubbed(namespace, testsPipeline, 'tests');
    const tests = (params: unknown): unknown => ({ name: 'tests', taskRef: { name: 'tests' }, params });
    const image = { name: 'image', value: 'app' };
    const refused: [string, unknown[], RegExp][] = [
      ['wrong-type', [tests([{ name: 'image', value: ['app'] }])], /param types don't match .*\[image\]/],
      ['missing', [tests([])], /missing values for these params .*\[image\]/],
      [
        'unknown-result',
        [tests([image]), show('later', { text: '$(tasks.tests.results.colour)' })],
        /"colour" is not a named result returned by pipeline task "tests"/,
      ],
    ];
    await Promise.all(
      refused.map(async ([name, tasks, message]) => {
        const done: PipelineRun = await run(namespace, main(name, tasks));
        assert.match(succeeded(done)?.message ?? '', message);
        assert.deepEqual(await tasksOf(namespace, name), [], `${name} has made no TaskRun`);
      }),
    );
    // Tekton lets params through that a Task does not declare: the step refuses them before there is a child.
    const unknown = await run(namespace, main('unknown', [tests([image, { name: 'colour', value: 'red' }])]));
    assert.equal(verdict(unknown), 'False Failed');
    assert.match(await logOf(namespace, 'unknown', 'tests'), /unknown param colour \(it has image, suites, target\)/);
    assert.deepEqual(await childrenOf(namespace, 'unknown'), []);
  });

  it('passes workspaces on, and says where one cannot be shared', async (t) => {
    const namespace = await testNamespace(t, 'spaces');
    const reader = `
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: reader}
spec:
  workspaces: [{name: source}, {name: scratch, optional: true}]
  results: [{name: text, value: $(tasks.read.results.text)}]
  tasks:
  - name: read
    workspaces: [{name: source}]
    taskSpec:
      workspaces: [{name: source}]
      results: [{name: text}]
      steps: [{name: run, image: SHELL_IMAGE, command: [cp, $(workspaces.source.path)/text, $(results.text.path)]}]
`;
    const text = await stubbed(namespace, reader, 'reader');
    assert.match(text, /--pass-workspaces=all/);
    await apply(
      namespace,
      `
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: main}
spec:
  taskRunTemplate: {serviceAccountName: subpipe, podTemplate: {securityContext: {fsGroup: 65532}}}
  workspaces:
  - name: source
    volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}
  - {name: scratch, emptyDir: {}}
  pipelineSpec:
    workspaces: [{name: source}, {name: scratch}]
    tasks:
    - name: write
      workspaces: [{name: source}]
      taskSpec:
        workspaces: [{name: source}]
        steps: [{name: run, image: SHELL_IMAGE, command: [sh, -c, "echo hello > $(workspaces.source.path)/text"]}]
    - name: reader
      runAfter: [write]
      taskRef: {name: reader}
      workspaces: [{name: source}, {name: scratch}]
`,
    );
    const done = await ended(namespace, 'main');
    assert.equal(verdict(done), 'True Succeeded');
    assert.equal((await resultsOf(namespace, 'main', 'reader')).text, 'hello\n');
    assert.match(await logOf(namespace, 'main', 'reader'), /warn: the workspace scratch is made anew for reader/);
  });

  it('lets the parent go on after a failed child, and gives the status', async (t) => {
    const namespace = await testNamespace(t, 'goon');
    await stubbed(namespace, testsPipeline, 'tests');
    const params = [
      { name: 'image', value: 'bad' },
      { name: 'subpipe-on-failure', value: 'continue' },
    ];
    const tests = { name: 'tests', taskRef: { name: 'tests' }, params };
    const status = '$(tasks.tests.results.subpipe-status) $(tasks.tests.results.subpipe-reason)';
    const done = await run(namespace, main('main', [tests, show('later', { status })]));
    assert.equal(verdict(done), 'True Succeeded');
    assert.match(await logOf(namespace, 'main', 'later'), /^Failed Failed$/m);
  });

  it('refuses results that are too large together, by name and size, and writes none', async (t) => {
    const namespace = await testNamespace(t, 'stublarge');
    await stubbed(namespace, largePipeline, 'large');
    const done = await run(namespace, main('main', [{ name: 'call', taskRef: { name: 'large' } }]));
    assert.equal(verdict(done), 'False Failed');
    assert.match(
      await logOf(namespace, 'main', 'call'),
      /the results take \d+ bytes, but .* 4096: (first|second) \(\d+ bytes\), (first|second) \(\d+ bytes\)/,
    );
    assert.deepEqual(await resultsOf(namespace, 'main', 'call'), {});
  });
});

describe('subpipe stub --check', () => {
  it('exits 0 while the Task fits its Pipeline, and 1 with what has changed', async (t) => {
    const namespace = await testNamespace(t, 'check');
    const text = await stubbed(namespace, testsPipeline, 'tests');
    const file = path.join(tmpdir(), `subpipe-${namespace}.yaml`);
    t.after(() => rm(file, { force: true }));
    await writeFile(file, text);
    const before = await subpipe(['stub', '-n', namespace, '--check', file]);
    assert.deepEqual([before.code, before.stdout], [0, `${file} fits the Pipeline tests.\n`]);
    const patch = [{ op: 'replace', path: '/spec/params/1', value: { name: 'colour', type: 'string' } }];
    await kubectl([
      'patch',
      '-n',
      namespace,
      'pipeline',
      'tests',
      '--type=json',
      '-p',
      JSON.stringify([...patch, { op: 'replace', path: '/spec/tasks/0/params/1/value', value: ['$(params.colour)'] }]),
    ]);
    const after = await subpipe(['stub', '-n', namespace, '--check', file]);
    assert.equal(after.code, 1);
    assert.match(
      after.stderr,
      /does not fit the Pipeline tests any more: param suites is gone; param colour, which is required, is new/,
    );
  });
});
