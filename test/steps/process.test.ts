import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { pipelineRuns, taskRuns } from '../../runtime/kube/resource.ts';
import type { PipelineRun, TaskRun } from '../../runtime/tekton/types.ts';
import { makeCluster } from '../support/cluster.ts';
import { runFile } from '../support/run-file.ts';
import { addCaller, addPipeline, endRun } from '../support/tekton.ts';

test('a real process is told to stop: the child is cancelled, seen ended, and the results are written', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'plain');
  const { env } = addCaller(kube);
  const file = path.join(cluster.folder.path, 'status');
  const step = runFile(
    'steps/subpipe/main.ts',
    [`--kubeconfig=${cluster.kubeconfig}`, '--pipeline=plain', '--logs=none', `--result.status=${file}`],
    env,
  );
  const { metadata } = await cluster.child(1);
  await kube.until(() => kube.watching === 2);
  kube.update<TaskRun>(taskRuns, 'main-call', (run) => {
    run.spec.status = 'TaskRunCancelled';
  });
  step.child.kill('SIGTERM');
  await kube.seen({ verb: 'patch', name: metadata.name });
  assert.equal(kube.find<PipelineRun>(pipelineRuns, metadata.name)?.spec.status, 'Cancelled');
  endRun(kube, metadata.name, { status: 'False', reason: 'Cancelled' });
  assert.equal(await step.ended, 1);
  assert.equal(await readFile(file, 'utf8'), 'Cancelled');
  assert.match(step.stderr, /is set to Cancelled, as its caller was\n/);
});

test('a second signal ends a process at once', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  addPipeline(kube, 'plain');
  const { env } = addCaller(kube);
  const step = runFile(
    'steps/subpipe/main.ts',
    [`--kubeconfig=${cluster.kubeconfig}`, '--pipeline=plain', '--logs=none'],
    env,
  );
  await cluster.child(1);
  await kube.until(() => kube.watching === 2);
  step.child.kill('SIGTERM');
  await kube.until(() => kube.watching === 3);
  step.child.kill('SIGTERM');
  assert.equal(await step.ended, 143);
});

test('every step can be started and says what it can', async () => {
  const steps = ['subpipe', 'subpipe-trigger', 'subpipe-wait', 'oci-workspace-pull', 'oci-workspace-push'];
  const helps = await Promise.all(
    steps.map(async (name) => {
      const step = runFile(`steps/${name}/main.ts`, ['--help']);
      assert.equal(await step.ended, 0, step.stderr);
      return step.stdout;
    }),
  );
  for (const [index, name] of steps.entries()) assert.ok(helps[index]?.startsWith(`${name}: `));
});
