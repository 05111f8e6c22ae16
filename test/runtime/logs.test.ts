import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pipelineRuns, taskRuns } from '../../runtime/kube/resource.ts';
import type { PipelineRun, TaskRun } from '../../runtime/tekton/types.ts';
import { subpipeWait } from '../../steps/subpipe-wait/step.ts';
import type { FakeKube } from '../fakes/kube.ts';
import { type Cluster, makeCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { addRun, addTaskRun, endRun } from '../support/tekton.ts';

const pod = 'tests-unit-pod';

/** A run of the task unit, as its status lists it, and a wait that has opened the log of its step. */
async function begin({ kube, run }: Cluster): Promise<{ waiting: ReturnType<Cluster['run']> }> {
  addRun(kube, 'tests');
  kube.update<PipelineRun>(pipelineRuns, 'tests', (tests) => {
    const child = { kind: 'TaskRun', name: 'tests-unit', pipelineTaskName: 'unit' };
    tests.status = { ...tests.status, childReferences: [child] };
  });
  addTaskRun(kube, 'tests', 'unit');
  kube.logs.write(pod, 'step-run', 'ok');
  const waiting = run(subpipeWait, ['--', 'tests']);
  await eventually(() => kube.logs.readers(pod, 'step-run') === 1);
  return { waiting };
}

function endTaskRun(kube: FakeKube): void {
  kube.update<TaskRun>(taskRuns, 'tests-unit', (unit) => {
    unit.status = {
      ...unit.status,
      completionTime: new Date().toISOString(),
      conditions: [{ type: 'Succeeded', status: 'True' }],
    };
  });
}

test('TaskRuns whose end the watch has told are not listed again when the run ends', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  const { waiting } = await begin(cluster);
  endTaskRun(kube);
  kube.logs.end(pod, 'step-run');
  // The watches of TaskRuns and of the run are two: give the first one time.
  await new Promise((resolve) => setTimeout(resolve, 200));
  endRun(kube, 'tests');
  const { code, stderr } = await waiting;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /\[tests\/unit\/run\] ok\n/);
  const asked = kube.requests.map(({ verb, resource }) => `${verb} ${resource}`).sort();
  assert.deepEqual(asked, ['get pods/log', 'watch pipelineruns', 'watch taskruns']);
});

test('TaskRuns whose end the watch has not told are listed when the run ends, and their logs shown', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  const { waiting } = await begin(cluster);
  kube.update<PipelineRun>(pipelineRuns, 'tests', (tests) => {
    const references = tests.status?.childReferences ?? [];
    const late = { kind: 'TaskRun', name: 'tests-lint', pipelineTaskName: 'lint' };
    tests.status = { ...tests.status, childReferences: [...references, late] };
  });
  endTaskRun(kube);
  kube.logs.end(pod, 'step-run');
  kube.logs.write('tests-lint-pod', 'step-run', 'clean');
  kube.logs.end('tests-lint-pod', 'step-run');
  endRun(kube, 'tests');
  addTaskRun(kube, 'tests', 'lint', { status: 'True' });
  const { code, stderr } = await waiting;
  assert.equal(code, 0, stderr);
  assert.equal(kube.count({ verb: 'list', resource: 'taskruns' }), 1);
  assert.match(stderr, /\[tests\/lint\/run\] clean\n/);
});
