import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Supervisor, type SupervisorOptions } from '../../runtime/call/supervisor.ts';
import { explain, hasCode } from '../../runtime/errors.ts';
import { pipelineRuns, taskRuns } from '../../runtime/kube/resource.ts';
import type { PipelineRun, TaskRun } from '../../runtime/tekton/types.ts';
import { FakeKube } from '../fakes/kube.ts';
import { clientOf } from '../support/kube.ts';
import { memoryLog } from '../support/step.ts';
import { addCaller, addRun, endRun } from '../support/tekton.ts';

interface Setting {
  kube: FakeKube;
  supervisor: Supervisor;
  stop: AbortController;
  lines: string[];
}

/** A supervisor with a caller, closed at the end. */
async function supervised(
  work: (setting: Setting) => Promise<void>,
  options: Partial<SupervisorOptions> = {},
): Promise<void> {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  addCaller(kube);
  const { log, lines } = memoryLog();
  const stop = new AbortController();
  const caller = { namespace: 'ci', taskRun: 'main-call', pipelineRun: 'main' };
  const supervisor = new Supervisor({ kube: use.client, log, caller, logs: 'none', signal: stop.signal, ...options });
  try {
    await work({ kube, supervisor, stop, lines });
  } finally {
    await supervisor.close();
  }
}

const child = { namespace: 'ci', name: 'tests' };

const cancelCaller = (kube: FakeKube): void => {
  kube.update<TaskRun>(taskRuns, 'main-call', (run) => {
    run.spec.status = 'TaskRunCancelled';
  });
};

test('when the grace period is over the step ends, and says what it has not seen ended', () =>
  supervised(
    async ({ kube, supervisor, stop }) => {
      addRun(kube, 'tests');
      const end = supervisor.follow(child, 'tests').catch((error: unknown) => error);
      await kube.until(() => kube.watching === 2);
      cancelCaller(kube);
      stop.abort(new Error('stopped by SIGTERM'));
      const error = await end;
      assert.ok(hasCode(error, 'ABORTED'));
      assert.equal(explain(error), 'the grace period is over; not seen ended: tests: stopped by SIGTERM.');
      assert.equal(kube.find<PipelineRun>(pipelineRuns, 'tests')?.spec.status, 'Cancelled');
    },
    { graceMs: 500 },
  ));

test('a child that is made after an order gets it at once', () =>
  supervised(async ({ kube, supervisor }) => {
    await kube.until(() => kube.watching === 1);
    kube.update<PipelineRun>(pipelineRuns, 'main', (run) => {
      run.spec.status = 'CancelledRunFinally';
    });
    while (supervisor.order === undefined) await new Promise((resolve) => setTimeout(resolve, 2));
    addRun(kube, 'tests');
    const end = supervisor.follow(child, 'tests');
    await kube.seen({ verb: 'patch', name: 'tests' });
    assert.equal(kube.find<PipelineRun>(pipelineRuns, 'tests')?.spec.status, 'CancelledRunFinally');
    endRun(kube, 'tests', { status: 'False', reason: 'Cancelled' });
    assert.equal((await end).status, 'Cancelled');
  }));

test('only a stricter order is passed on after another', () =>
  supervised(async ({ kube, supervisor }) => {
    addRun(kube, 'tests');
    const end = supervisor.follow(child, 'tests');
    await kube.until(() => kube.watching === 2);
    for (const order of [
      'CancelledRunFinally',
      'StoppedRunFinally',
      'CancelledRunFinally',
      'TimedOut',
      'Cancelled',
    ] as const) {
      supervisor.pass(order);
    }
    await kube.seen({ verb: 'patch' }, 2);
    endRun(kube, 'tests', { status: 'False', reason: 'Cancelled' });
    await end;
    await supervisor.close();
    const told = kube.requests.filter(({ verb }) => verb === 'patch').map(({ body }) => JSON.stringify(body));
    assert.deepEqual(told.sort(), ['{"spec":{"status":"Cancelled"}}', '{"spec":{"status":"CancelledRunFinally"}}']);
  }));

test('an order that a child cannot take is said, and its end still waited for', () =>
  supervised(async ({ kube, supervisor, lines }) => {
    addRun(kube, 'tests');
    kube.forbid({ verb: 'patch' });
    const end = supervisor.follow(child, 'tests');
    await kube.until(() => kube.watching === 2);
    supervisor.pass('Cancelled');
    await kube.seen({ verb: 'patch' });
    endRun(kube, 'tests');
    assert.equal((await end).status, 'Succeeded');
    await supervisor.close();
    assert.ok(lines.length <= 1, 'a child that has ended needs no order');
    if (lines.length === 1)
      assert.match(lines[0] ?? '', /warn: tests could not be told Cancelled: cannot patch .* is forbidden/);
  }));

test('why a pod was stopped cannot be read: the children go on, and that is said', () =>
  supervised(async ({ kube, supervisor, stop }) => {
    addRun(kube, 'tests');
    const end = supervisor.follow(child, 'tests').catch((error: unknown) => error);
    await kube.until(() => kube.watching === 2);
    kube.forbid({ verb: 'get', resource: 'taskruns' });
    stop.abort(new Error('stopped by SIGTERM'));
    assert.match(
      explain(await end),
      /^the pod was stopped, and why cannot be read; still running: tests: cannot get taskruns/,
    );
    assert.equal(kube.count({ verb: 'patch' }), 0);
  }));

test('a signal that came before the work began counts', () =>
  supervised(
    async ({ kube, supervisor }) => {
      addRun(kube, 'tests');
      const error: unknown = await supervisor.follow(child, 'tests').catch((one: unknown) => one);
      assert.match(explain(error), /^no longer waiting; still running: /);
    },
    { signal: AbortSignal.abort(new Error('early')), caller: undefined },
  ));

test('a supervisor that is closed leaves no watch behind', async () => {
  await using kube = await FakeKube.start();
  await using use = await clientOf(kube);
  addRun(kube, 'tests');
  const { log } = memoryLog();
  const supervisor = new Supervisor({
    kube: use.client,
    log,
    caller: undefined,
    logs: 'all',
    signal: new AbortController().signal,
  });
  const end = supervisor.follow(child, 'tests').catch((error: unknown) => error);
  await kube.until(() => kube.watching === 2);
  await supervisor.close();
  assert.ok(hasCode(await end, 'ABORTED'));
  await kube.until(() => kube.watching === 0);
});
