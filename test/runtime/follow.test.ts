import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failedTasks, follow } from '../../runtime/call/follow.ts';
import { outcomeOf, worst } from '../../runtime/call/outcome.ts';
import { hasCode } from '../../runtime/errors.ts';
import { pipelineRuns } from '../../runtime/kube/resource.ts';
import type { Condition, PipelineRun } from '../../runtime/tekton/types.ts';
import { FakeKube } from '../fakes/kube.ts';
import { clientOf } from '../support/kube.ts';
import { addRun, addTaskRun, endRun } from '../support/tekton.ts';

const a = { namespace: 'ci', name: 'a' };

test('a run is followed to its end with one request', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  addRun(kube, 'a');
  const states: number[] = [];
  const end = follow(use.client, a, { signal: use.signal, onUpdate: () => states.push(1) });
  await kube.until(() => kube.watching === 1);
  endRun(kube, 'a', {
    results: [
      { name: 'url', value: 'x' },
      { name: 'list', value: ['y'] },
    ],
  });
  assert.deepEqual(await end, {
    status: 'Succeeded',
    reason: 'Succeeded',
    message: '',
    results: { url: 'x', list: ['y'] },
  });
  assert.deepEqual(states, [1, 1]);
  assert.equal(kube.requests.length, 1);
});

test('a run that is known is followed from its version, and not asked for when it has ended', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  const known = addRun(kube, 'a');
  const ended = endRun(kube, 'a');
  assert.equal((await follow(use.client, a, { signal: use.signal, known })).status, 'Succeeded');
  assert.equal(kube.requests[0]?.query.get('resourceVersion'), known.metadata.resourceVersion);
  assert.equal((await follow(use.client, a, { signal: use.signal, known: ended })).status, 'Succeeded');
  assert.equal(kube.requests.length, 1);
});

test('a run that is deleted before its end counts as cancelled', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  addRun(kube, 'a');
  const end = follow(use.client, a, { signal: use.signal });
  await kube.until(() => kube.watching === 1);
  kube.remove(pipelineRuns, 'a');
  assert.equal((await end).reason, 'Deleted');
});

test('a known run that is deleted while no watch could be open is not waited for in vain', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  const known = addRun(kube, 'a');
  kube.remove(pipelineRuns, 'a');
  kube.compact();
  assert.equal((await follow(use.client, a, { signal: use.signal, known })).reason, 'Deleted');
});

test('a run that does not exist is said so after 2 seconds, by one more request', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  const error: unknown = await follow(use.client, a, { signal: use.signal }).catch((one: unknown) => one);
  assert.ok(hasCode(error, 'NOT_FOUND'));
  assert.match(String(error), /there is no PipelineRun a in namespace ci$/);
  assert.equal(kube.requests.length, 2);
});

test('a server that is slow to open the watch is not asked for the run meanwhile', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  addRun(kube, 'a');
  endRun(kube, 'a');
  kube.fail({ verb: 'watch' }, { status: 503, headers: { 'retry-after': '3' } });
  assert.equal((await follow(use.client, a, { signal: use.signal })).status, 'Succeeded');
  assert.equal(kube.count({ verb: 'get' }), 0);
});

test('an abort ends it with its reason', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  addRun(kube, 'a');
  const stop = new AbortController();
  const end = follow(use.client, a, { signal: stop.signal });
  await kube.until(() => kube.watching === 1);
  const reason = new Error('enough');
  stop.abort(reason);
  await assert.rejects(end, (error) => error === reason);
});

test('the failed tasks of a run are named once each', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  addTaskRun(kube, 'a', 'unit', { status: 'False' });
  addTaskRun(kube, 'a', 'lint', { status: 'False' });
  addTaskRun(kube, 'a', 'build', { status: 'True' });
  addTaskRun(kube, 'b', 'other', { status: 'False' });
  assert.deepEqual(await failedTasks(use.client, a), ['lint', 'unit']);
});

const ended = (condition: Omit<Condition, 'type'>): PipelineRun => ({
  metadata: { name: 'a' },
  spec: {},
  status: { conditions: [{ type: 'Succeeded', ...condition }] },
});

for (const [reason, status, expected] of [
  ['Succeeded', 'True', 'Succeeded'],
  ['Completed', 'True', 'Succeeded'],
  ['Failed', 'False', 'Failed'],
  ['CouldntGetPipeline', 'False', 'Failed'],
  ['Cancelled', 'False', 'Cancelled'],
  ['PipelineRunTimeout', 'False', 'TimedOut'],
  ['Running', 'Unknown', undefined],
] as const) {
  test(`a run with the reason ${reason} ended as ${expected}`, () => {
    assert.equal(outcomeOf(ended({ reason, status }))?.status, expected);
  });
}

test('the worst of several runs: Failed, then TimedOut, then Cancelled', () => {
  const of = (status: 'Succeeded' | 'Failed' | 'Cancelled' | 'TimedOut') => ({
    status,
    reason: status,
    message: '',
    results: {},
  });
  assert.equal(worst([of('Succeeded'), of('TimedOut'), of('Failed'), of('Cancelled')]).status, 'Failed');
  assert.equal(worst([of('Cancelled'), of('TimedOut')]).status, 'TimedOut');
  assert.equal(worst([of('Cancelled'), of('Succeeded')]).status, 'Cancelled');
  assert.equal(worst([]).status, 'Succeeded');
});
