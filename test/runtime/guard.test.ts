import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallerName } from '../../runtime/call/caller.ts';
import type { Order } from '../../runtime/call/children.ts';
import { ordersOf, whyStopped } from '../../runtime/call/guard.ts';
import { pipelineRuns, taskRuns } from '../../runtime/kube/resource.ts';
import type { PipelineRun, PipelineRunSpecStatus, TaskRun } from '../../runtime/tekton/types.ts';
import { FakeKube } from '../fakes/kube.ts';
import { eventually } from '../support/eventually.ts';
import { clientOf } from '../support/kube.ts';
import { memoryLog } from '../support/step.ts';
import { addCaller } from '../support/tekton.ts';

const child: CallerName = { namespace: 'ci', taskRun: 'main-call', pipelineRun: 'main' };
const alone: CallerName = { ...child, pipelineRun: undefined };

async function listen(
  caller: CallerName,
  happen: (kube: FakeKube) => void,
  resourceVersion?: (kube: FakeKube) => string | undefined,
): Promise<Order | undefined> {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  addCaller(kube, { alone: caller.pipelineRun === undefined });
  const orders: Order[] = [];
  const known = resourceVersion?.(kube);
  if (known !== undefined) happen(kube);
  void (async () => {
    for await (const order of ordersOf(use.client, caller, {
      resourceVersion: known,
      signal: use.signal,
      log: memoryLog().log,
    }))
      orders.push(order);
  })();
  if (known === undefined) {
    await kube.until(() => kube.watching === 1);
    happen(kube);
  }
  await eventually(() => orders.length > 0);
  return orders[0];
}

const setStatus = (status: PipelineRunSpecStatus) => (kube: FakeKube) => {
  kube.update<PipelineRun>(pipelineRuns, 'main', (run) => {
    run.spec.status = status;
  });
};
const setTask =
  (spec: Partial<TaskRun['spec']>, condition?: { status: 'True' | 'False' | 'Unknown'; reason: string }) =>
  (kube: FakeKube) => {
    kube.update<TaskRun>(taskRuns, 'main-call', (run) => {
      run.spec = { ...run.spec, ...spec };
      if (condition !== undefined) run.status = { ...run.status, conditions: [{ type: 'Succeeded', ...condition }] };
    });
  };
const deleting = (kube: FakeKube): void => {
  kube.update(pipelineRuns, 'main', ({ metadata }) => {
    metadata.deletionTimestamp = new Date().toISOString();
  });
};

for (const status of ['Cancelled', 'CancelledRunFinally', 'StoppedRunFinally'] as const) {
  test(`a PipelineRun set to ${status} gives this order`, async () =>
    assert.equal(await listen(child, setStatus(status)), status));
}

test('a PipelineRun that times out, is being deleted or is gone gives the order for it', async () => {
  const timeout = (kube: FakeKube): void => {
    kube.update<PipelineRun>(pipelineRuns, 'main', (run) => {
      run.status = { conditions: [{ type: 'Succeeded', status: 'False', reason: 'PipelineRunTimeout' }] };
    });
  };
  assert.equal(await listen(child, timeout), 'TimedOut');
  assert.equal(await listen(child, deleting), 'Deleted');
  assert.equal(await listen(child, (kube) => kube.remove(pipelineRuns, 'main')), 'Deleted');
});

test('a PipelineRun that went while no watch could be open gives the order as well', async () => {
  const gone = (kube: FakeKube): void => {
    kube.remove(pipelineRuns, 'main');
    kube.compact();
  };
  assert.equal(
    await listen(child, gone, (kube) => kube.find(pipelineRuns, 'main')?.metadata.resourceVersion),
    'Deleted',
  );
});

test('a TaskRun of its own gives orders too', async () => {
  assert.equal(await listen(alone, setTask({ status: 'TaskRunCancelled' })), 'Cancelled');
  assert.equal(await listen(alone, setTask({}, { status: 'False', reason: 'TaskRunTimeout' })), 'TimedOut');
  assert.equal(await listen(alone, (kube) => kube.remove(taskRuns, 'main-call')), 'Deleted');
});

test('a caller that cannot be watched is said, and no reason to end', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  kube.forbid({ verb: 'watch' });
  const { log, lines } = memoryLog();
  for await (const order of ordersOf(use.client, child, { signal: use.signal, log })) assert.fail(order);
  assert.match(
    lines.join('\n'),
    /^test: warn: the caller main cannot be watched, so only its pod's end is passed on: cannot watch/,
  );
});

async function why(
  caller: CallerName,
  before: (kube: FakeKube) => void,
  after?: (kube: FakeKube) => void,
): Promise<Order | undefined> {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  addCaller(kube, { alone: caller.pipelineRun === undefined });
  before(kube);
  const reason = whyStopped(use.client, caller, use.signal);
  if (after !== undefined) {
    await kube.until(() => kube.watching === 1);
    after(kube);
  }
  return await reason;
}

const nothing = (): void => undefined;
const both =
  (...all: ((kube: FakeKube) => void)[]) =>
  (kube: FakeKube): void => {
    for (const one of all) one(kube);
  };
const cancelledTask = setTask({
  status: 'TaskRunCancelled',
  statusMessage: 'TaskRun cancelled as the PipelineRun it belongs to has been cancelled.',
});
const timedOutTask = setTask({
  status: 'TaskRunCancelled',
  statusMessage: 'TaskRun cancelled as the PipelineRun it belongs to has timed out.',
});

for (const [what, before, expected] of [
  ['the PipelineRun is cancelled', setStatus('Cancelled'), 'Cancelled'],
  [
    'the PipelineRun is cancelled and its finally tasks run',
    both(setStatus('CancelledRunFinally'), cancelledTask),
    'CancelledRunFinally',
  ],
  ['only the TaskRun is cancelled', cancelledTask, 'Cancelled'],
  ['the TaskRun has timed out', setTask({}, { status: 'False', reason: 'TaskRunTimeout' }), 'TimedOut'],
  ['the PipelineRun has timed out', timedOutTask, 'TimedOut'],
  ['the PipelineRun is being deleted', deleting, 'Deleted'],
  ['the PipelineRun is gone', (kube: FakeKube) => kube.remove(pipelineRuns, 'main'), 'Deleted'],
  ['the TaskRun is gone', (kube: FakeKube) => kube.remove(taskRuns, 'main-call'), 'Deleted'],
  ['the pod was evicted and the TaskRun failed', setTask({}, { status: 'False', reason: 'Failed' }), undefined],
  [
    'the pod was evicted and the TaskRun is tried again',
    setTask({}, { status: 'Unknown', reason: 'ToBeRetried' }),
    undefined,
  ],
  [
    'the PipelineRun lets running tasks end, so the pod was evicted',
    both(setStatus('StoppedRunFinally'), setTask({}, { status: 'False', reason: 'Failed' })),
    undefined,
  ],
] as const) {
  test(`why a pod is stopped: ${what}`, async () => assert.equal(await why(child, before), expected));
}

test('why a pod is stopped is often said only a moment later', async () => {
  assert.equal(await why(child, nothing, setTask({}, { status: 'False', reason: 'TaskRunTimeout' })), 'TimedOut');
  assert.equal(await why(child, nothing, both(setStatus('Cancelled'), cancelledTask)), 'Cancelled');
  assert.equal(await why(child, nothing, (kube) => kube.remove(taskRuns, 'main-call')), 'Deleted');
  assert.equal(await why(alone, nothing, setTask({}, { status: 'False', reason: 'Failed' })), undefined);
});
