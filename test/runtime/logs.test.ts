import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TaskRunWatches } from '../../runtime/call/task-runs.ts';
import { pipelineRuns, taskRuns } from '../../runtime/kube/resource.ts';
import type { PipelineRun, TaskRun } from '../../runtime/tekton/types.ts';
import { subpipeWait } from '../../steps/subpipe-wait/step.ts';
import { FakeKube } from '../fakes/kube.ts';
import { type Cluster, makeCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { clientOf } from '../support/kube.ts';
import { addRun, addTaskRun, endRun } from '../support/tekton.ts';

const pod = 'tests-unit-pod';

/** A run of the task unit, as its status lists it, and a wait that has opened the log of its step. */
async function begin({ kube, run }: Cluster): Promise<{ waiting: ReturnType<Cluster['run']> }> {
  addRun(kube, 'tests');
  addTaskRun(kube, 'tests', 'unit');
  kube.logs.write(pod, 'step-run', 'ok');
  const waiting = run(subpipeWait, ['--', 'tests']);
  await eventually(() => kube.logs.readers(pod, 'step-run') === 1);
  return { waiting };
}

function endTaskRun(kube: FakeKube, name = 'tests-unit'): void {
  kube.update<TaskRun>(taskRuns, name, (unit) => {
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

test('fifty waits with logs in one process are 53 requests and one for each log', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  const names = Array.from({ length: 50 }, (_, index) => `tests-${index}`);
  for (const name of names) addRun(kube, name);
  const waiting = cluster.run(subpipeWait, ['--', ...names]);
  await kube.seen({ verb: 'watch', resource: 'taskruns' });
  // Their TaskRuns come when the watch is open already.
  for (const name of names) addTaskRun(kube, name, 'unit');
  for (const name of names) {
    kube.logs.write(`${name}-unit-pod`, 'step-run', `line of ${name}`);
    kube.logs.end(`${name}-unit-pod`, 'step-run');
    endTaskRun(kube, `${name}-unit`);
  }
  await kube.seen({ resource: 'pods/log' }, 50);
  for (const name of names) endRun(kube, name);
  const { code, stderr } = await waiting;
  assert.equal(code, 0, stderr);
  for (const name of names) assert.ok(stderr.includes(`[${name}/unit/run] line of ${name}\n`), `the log of ${name}`);
  const logs = kube.count({ resource: 'pods/log' });
  assert.equal(logs, 50);
  assert.ok(kube.requests.length - logs <= 53, `${kube.requests.length - logs} requests`);
});

test('a run that is called later has a watch of its own, and neither hears of the other', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  const watches = new TaskRunWatches(use.client, use.signal);
  const heard: string[] = [];
  const hear = (name: string) => ({
    update: ({ metadata }: TaskRun) => heard.push(`${name}: ${metadata.name}`),
    lost: (error: unknown) => heard.push(String(error)),
  });
  addTaskRun(kube, 'early', 'unit');
  const leave = watches.add({ namespace: 'ci', name: 'early' }, hear('early'));
  await kube.until(() => kube.watching === 1);
  addTaskRun(kube, 'late', 'unit');
  watches.add({ namespace: 'ci', name: 'late' }, hear('late'));
  await kube.until(() => kube.watching === 2);
  addTaskRun(kube, 'late', 'lint');
  await eventually(() => heard.length === 3);
  assert.deepEqual(heard, ['early: early-unit', 'late: late-unit', 'late: late-lint']);
  leave();
  await kube.until(() => kube.watching === 1);
});

test('names that are too many for one address are watched by several requests', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  const watches = new TaskRunWatches(use.client, use.signal);
  const names = Array.from({ length: 100 }, (_, index) => `${'long-name-'.repeat(6)}${index + 100}`);
  const told = new Set<string>();
  const listen = (name: string) => ({ update: () => told.add(name), lost: assert.ifError });
  for (const name of names) watches.add({ namespace: 'ci', name }, listen(name));
  await kube.until(() => kube.watching === 2);
  for (const name of names) addTaskRun(kube, name, 'unit');
  await eventually(() => told.size === 100);
  assert.equal(kube.requests.length, 2);
});

test('a watch that is refused is told to every run that shares it', async () => {
  await using cluster = await makeCluster();
  const { kube } = cluster;
  kube.forbid({ verb: 'watch', resource: 'taskruns' });
  for (const name of ['a', 'b']) addRun(kube, name);
  const waiting = cluster.run(subpipeWait, ['--', 'a', 'b']);
  await kube.seen({ verb: 'watch', resource: 'taskruns' });
  await new Promise((resolve) => setTimeout(resolve, 200));
  for (const name of ['a', 'b']) endRun(kube, name);
  const { code, stderr } = await waiting;
  assert.equal(code, 0, stderr);
  for (const name of ['a', 'b']) assert.match(stderr, new RegExp(`the log of ${name} cannot be shown: .*forbidden`));
});
