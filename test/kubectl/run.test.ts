import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pipelineRuns, pipelines, taskRuns } from '../../runtime/kube/resource.ts';
import type { Condition, Pipeline, PipelineRun, TaskRun } from '../../runtime/tekton/types.ts';
import { FakeKube } from '../fakes/kube.ts';
import { makeFolder } from '../support/folder.ts';
import { subpipe } from './support.ts';

const main: Pipeline = {
  metadata: { name: 'main' },
  spec: {
    params: [
      { name: 'revision', type: 'string' },
      { name: 'suites', type: 'array', default: [] },
    ],
    workspaces: [{ name: 'source', optional: true }],
    tasks: [{ name: 'build', taskRef: { name: 'build' } }],
  },
};

const time = '2026-01-01T00:00:00Z';

/** Plays Tekton: ends the next run that is created. */
async function endNext(kube: FakeKube, verdict: Condition['status'], reason: string): Promise<PipelineRun> {
  const { body } = await kube.seen({ verb: 'create', resource: 'pipelineruns' });
  const { name } = (body as PipelineRun).metadata;
  await kube.until(() => kube.watching > 1, 'the run is watched');
  return kube.update<PipelineRun>(pipelineRuns, name, (run) => {
    const condition = { type: 'Succeeded', status: verdict, reason, message: 'as the test wants it' };
    run.status = {
      startTime: time,
      completionTime: time,
      conditions: [condition],
      pipelineSpec: { tasks: [{ name: 'build' }] },
    };
  });
}

describe('subpipe run', () => {
  it('creates the run of a Pipeline of the cluster, follows it, and exits 0', async () => {
    await using kube = await FakeKube.start();
    kube.add(pipelines, main);
    const argv = ['run', 'main', '-p', 'revision=v1', '-p', 'suites=["a","b"]', '-w', '{name: source, emptyDir: {}}'];
    const done = subpipe([...argv, '--service-account=robot', '--timeout=5m'], { kube });
    const { metadata, spec } = await endNext(kube, 'True', 'Succeeded');
    const { code, stdout, stderr } = await done;
    assert.equal(code, 0, stderr);
    assert.match(metadata.name, /^main-[0-9a-z]{5}$/);
    assert.deepEqual(spec, {
      pipelineRef: { name: 'main' },
      params: [
        { name: 'revision', value: 'v1' },
        { name: 'suites', value: ['a', 'b'] },
      ],
      workspaces: [{ name: 'source', emptyDir: {} }],
      timeouts: { pipeline: '5m0s' },
      taskRunTemplate: { serviceAccountName: 'robot' },
    });
    assert.match(stdout, new RegExp(`^main +main +${metadata.name} +succeeded`, 'm'));
  });

  it('shows the logs of its steps, and the runs that they call', async () => {
    await using kube = await FakeKube.start();
    kube.add(pipelines, { ...main, spec: { tasks: [{ name: 'build' }] } });
    const done = subpipe(['run', 'main'], { kube });
    const { body } = await kube.seen({ verb: 'create', resource: 'pipelineruns' });
    const { name } = (body as PipelineRun).metadata;
    await kube.until(() => kube.watching > 2, 'run, children and tasks are watched');
    const labels = { 'tekton.dev/pipelineRun': name, 'tekton.dev/pipelineTask': 'build' };
    const { uid = '' } = kube.add<TaskRun>(taskRuns, {
      metadata: { name: `${name}-build`, labels },
      spec: {},
      status: { podName: 'pod', startTime: time, steps: [{ name: 'subpipe', container: 'step-subpipe', running: {} }] },
    }).metadata;
    kube.logs.write('pod', 'step-subpipe', 'subpipe: called', '[build/unit/run] hello');
    kube.add<PipelineRun>(pipelineRuns, {
      metadata: { name: 'child', labels: { 'subpipe.dev/call': 'build', 'subpipe.dev/caller-uid': uid } },
      spec: { pipelineRef: { name: 'tests' } },
      status: { startTime: time, conditions: [{ type: 'Succeeded', status: 'True', reason: 'Succeeded' }] },
    });
    await kube.until(() => kube.logs.readers('pod', 'step-subpipe') > 0);
    kube.logs.end('pod', 'step-subpipe');
    await endNext(kube, 'True', 'Succeeded');
    const { code, stdout, stderr } = await done;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^\[main\/build\/subpipe\] subpipe: called\n\[main\/build\/unit\/run\] hello$/m);
    assert.match(stdout, /^└─ ● build .*\n {3}└─ ✓ child \(tests\) +succeeded/m);
    assert.match(stdout, /^main\/build +tests +child +succeeded/m);
  });

  it('exits 1 when the run fails, and says why', async () => {
    await using kube = await FakeKube.start();
    kube.add(pipelines, main);
    const done = subpipe(['run', 'main', '-p', 'revision=v1'], { kube });
    const { metadata } = await endNext(kube, 'False', 'PipelineRunTimeout');
    const { code, stdout, stderr } = await done;
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`${metadata.name} ended as TimedOut \\(PipelineRunTimeout\\)`));
    assert.match(stdout, /PipelineRunTimeout: as the test wants it/);
  });

  it('refuses what does not fit before anything is created', async () => {
    await using kube = await FakeKube.start();
    kube.add(pipelines, main);
    const { code, stderr } = await subpipe(['run', 'main', '-p', 'suites=a', '-p', 'colour=red'], { kube });
    assert.equal(code, 2);
    assert.match(stderr, /param suites must be an array.*unknown param colour.*missing param revision/);
    assert.equal(kube.count({ verb: 'create' }), 0);
  });

  it('puts the Pipeline and Tasks of a folder into the run, and creates nothing else', async () => {
    const object = (kind: string, name: string, spec: string): string =>
      `apiVersion: tekton.dev/v1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: other}\nspec: ${spec}\n`;
    await using folder = await makeFolder({
      'pipeline.yaml': object(
        'Pipeline',
        'main',
        '{params: [{name: revision}], tasks: [{name: build, taskRef: {name: build}}]}',
      ),
      'task.yaml': object('Task', 'build', '{steps: [{name: run, image: busybox}]}'),
      'run.yaml': object('PipelineRun', 'main-1', '{pipelineRef: {name: main}, params: [{name: revision, value: v1}]}'),
    });
    await using kube = await FakeKube.start();
    const done = subpipe(['run', '-f', folder.path, '-p', 'revision=v2', '-n', 'ci'], { kube });
    const { metadata, spec } = await endNext(kube, 'True', 'Succeeded');
    assert.equal((await done).code, 0);
    assert.equal(metadata.name, 'main-1');
    assert.deepEqual(spec.pipelineSpec?.tasks, [
      { name: 'build', taskSpec: { steps: [{ name: 'run', image: 'busybox' }] } },
    ]);
    assert.deepEqual(spec.params, [{ name: 'revision', value: 'v2' }]);
    assert.equal(kube.count({ verb: 'create' }), 1);
    const again = await subpipe(['run', '-f', folder.path, '-n', 'ci'], { kube });
    assert.equal(again.code, 1);
    assert.match(
      again.stderr,
      /there is a PipelineRun main-1 in namespace ci already\. Delete it, or give generateName/,
    );
  });

  it('takes the namespace from the file, and refuses a choice of runs', async () => {
    const run = (name: string): string =>
      JSON.stringify({
        apiVersion: 'tekton.dev/v1',
        kind: 'PipelineRun',
        metadata: { generateName: name, namespace: 'elsewhere' },
        spec: { pipelineSpec: { tasks: [] } },
      });
    await using kube = await FakeKube.start();
    kube.fail({ verb: 'create' }, { status: 403 });
    const one = await subpipe(['run', '-f', '-'], { kube, stdin: run('main-') });
    assert.equal(one.code, 3);
    const { body, namespace } = await kube.seen({ verb: 'create' });
    assert.equal(namespace, 'elsewhere');
    assert.match((body as PipelineRun).metadata.name, /^main-[0-9a-z]{5}$/);
    const two = await subpipe(['run', '-f', '-'], { kube, stdin: `${run('a-')}\n---\n${run('b-')}` });
    assert.equal(two.code, 2);
    assert.match(two.stderr, /expected one PipelineRun in the file, but it holds a-, b-/);
  });

  it('leaves the run alone when it is interrupted, and says how to cancel it', async () => {
    await using kube = await FakeKube.start();
    kube.add(pipelines, main);
    const stop = new AbortController();
    const done = subpipe(['run', 'main', '-p', 'revision=v1'], { kube, signal: stop.signal });
    await kube.until(() => kube.watching > 1, 'the run is watched');
    stop.abort(new Error('stopped by SIGINT'));
    const { code, stderr } = await done;
    assert.equal(code, 1);
    assert.match(
      stderr,
      /still running: main-\w+.* To cancel it: kubectl patch pipelinerun main-\w+ -n ci --type merge/,
    );
    assert.equal(kube.count({ verb: 'patch' }) + kube.count({ verb: 'delete' }), 0);
  });
});
