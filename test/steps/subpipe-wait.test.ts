import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pipelineRuns, taskRuns } from '../../runtime/kube/resource.ts';
import type { PipelineRun, PipelineRunSpecStatus, TaskRun } from '../../runtime/tekton/types.ts';
import { subpipeWait } from '../../steps/subpipe-wait/step.ts';
import { type Cluster, makeCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { addCaller, addRun, addTaskRun, endRun } from '../support/tekton.ts';

type Wait = AsyncDisposable & Pick<Cluster, 'kube'> & { stop: AbortController; ended: ReturnType<Cluster['run']> };

/** subpipe-wait, which follows the run `tests` by now: in a pod of the TaskRun main-call of main, or on a laptop. */
async function startWait({ flags = ['--logs=none'], laptop = false } = {}): Promise<Wait> {
  await using started = new AsyncDisposableStack();
  const cluster = started.use(await makeCluster());
  const { kube } = cluster;
  addRun(kube, 'tests');
  const stop = new AbortController();
  const env = laptop ? {} : addCaller(kube).env;
  const ended = cluster.run(subpipeWait, [...flags, '--', 'tests'], { env, signal: stop.signal });
  await kube.until(() => kube.watching === (laptop ? 1 : 2));
  const wait = started.move();
  return { kube, stop, ended, [Symbol.asyncDispose]: () => wait.disposeAsync() };
}

/** What somebody does to the PipelineRun main, in which the step runs. */
function orderMain(kube: Cluster['kube'], status: PipelineRunSpecStatus): void {
  kube.update<PipelineRun>(pipelineRuns, 'main', (run) => {
    run.spec.status = status;
  });
}

describe('subpipe-wait', { concurrency: 6 }, () => {
  it('a run is waited for by at most 3 requests, and its status and results are returned', async () => {
    await using wait = await startWait();
    const { kube } = wait;
    endRun(kube, 'tests', {
      reason: 'Completed',
      results: [
        { name: 'url', value: 'https://x' },
        { name: 'list', value: ['a'] },
      ],
    });
    const { code, stderr, results } = await wait.ended;
    assert.equal(code, 0, stderr);
    assert.deepEqual(results, {
      status: 'Succeeded',
      reason: 'Completed',
      runs: '["tests"]',
      results: '{"url":"https://x","list":["a"]}',
      statuses: '{"tests":"Succeeded"}',
      'failed-tasks': '[]',
    });
    assert.ok(kube.requests.length <= 3, kube.requests.map(({ verb }) => verb).join());
  });

  it('a wait of 11 minutes takes at most 3 requests and 1 for each 5 minutes and child', async () => {
    const secondMs = 2;
    await using cluster = await makeCluster({ secondMs });
    const { kube } = cluster;
    for (const name of ['one', 'two']) addRun(kube, name);
    const { env } = addCaller(kube);
    const began = performance.now();
    const waiting = cluster.run(subpipeWait, ['--logs=none', '--', 'one', 'two'], { env });
    await kube.seen({ verb: 'watch' }, 3);
    await new Promise((resolve) => setTimeout(resolve, 660 * secondMs));
    for (const name of ['one', 'two']) endRun(kube, name);
    assert.equal((await waiting).code, 0);
    const minutes = (performance.now() - began) / secondMs / 60;
    const allowed = 3 + 2 * Math.floor(minutes / 5);
    assert.ok(kube.requests.length <= allowed, `${kube.requests.length} of ${allowed} requests in ${minutes} minutes`);
  });

  it('the wait ends as soon as the run does', async () => {
    await using wait = await startWait({ laptop: true });
    const { kube } = wait;
    endRun(kube, 'tests');
    const ended = performance.now();
    await wait.ended;
    assert.ok(performance.now() - ended < 5000);
  });

  it('a failed run fails the step, with its failed tasks in the results for finally', async () => {
    await using cluster = await makeCluster();
    const { kube } = cluster;
    addRun(kube, 'tests');
    addTaskRun(kube, 'tests', 'unit', { status: 'False' });
    endRun(kube, 'tests', { status: 'False', message: 'Tasks Completed: 1 (Failed: 1)' });
    const { code, stderr, results } = await cluster.run(subpipeWait, ['--logs=none', '--', 'tests']);
    assert.equal(code, 1);
    assert.match(stderr, /tests ended: Failed \(Failed\): Tasks Completed: 1 \(Failed: 1\)\n/);
    assert.match(stderr, /error: tests ended as Failed \(Failed\)\.\n$/);
    assert.equal(results.status, 'Failed');
    assert.equal(results['failed-tasks'], '["tests/unit"]');
  });

  it('with --on-failure=continue a failed run is a result, not a failure', async () => {
    await using cluster = await makeCluster();
    endRunAfterAdd(cluster.kube, 'tests');
    const { code, results } = await cluster.run(subpipeWait, ['--logs=none', '--on-failure=continue', '--', 'tests']);
    assert.equal(code, 0);
    assert.equal(results.status, 'Failed');
  });

  function endRunAfterAdd(kube: Parameters<typeof addRun>[0], name: string, reason = 'Failed'): void {
    addRun(kube, name);
    endRun(kube, name, { status: 'False', reason });
  }

  it('several runs are told apart, the worst is the status, and a name given twice counts once', async () => {
    await using cluster = await makeCluster();
    const { kube } = cluster;
    addRun(kube, 'one');
    endRun(kube, 'one', { results: [{ name: 'x', value: '1' }] });
    endRunAfterAdd(kube, 'two', 'PipelineRunTimeout');
    endRunAfterAdd(kube, 'three', 'Cancelled');
    const { code, results } = await cluster.run(subpipeWait, [
      '--logs=none',
      '--on-failure=continue',
      '--',
      'one',
      'two',
      'three',
      'two',
    ]);
    assert.equal(code, 0);
    assert.deepEqual([results.status, results.reason], ['TimedOut', 'PipelineRunTimeout']);
    assert.equal(results.runs, '["one","two","three"]');
    assert.deepEqual(JSON.parse(results.statuses ?? ''), { one: 'Succeeded', two: 'TimedOut', three: 'Cancelled' });
    assert.deepEqual(JSON.parse(results.results ?? ''), { one: { x: '1' }, two: {}, three: {} });
  });

  it('a run that does not exist is an error with 1', async () => {
    await using cluster = await makeCluster();
    const { code, stderr } = await cluster.run(subpipeWait, ['--logs=none', '--', 'ghost']);
    assert.equal(code, 1);
    assert.match(stderr, /there is no PipelineRun ghost in namespace ci/);
  });

  it('a run that may not be watched is an error with 3 that names the right', async () => {
    await using cluster = await makeCluster();
    cluster.kube.forbid({ verb: 'watch' });
    const { code, stderr } = await cluster.run(subpipeWait, ['--logs=none', '--namespace=prod', '--', 'x']);
    assert.equal(code, 3);
    assert.match(stderr, /needs the verb watch on pipelineruns\.tekton\.dev in namespace prod/);
  });

  it('after --timeout the run is cancelled, and counts as timed out', async () => {
    await using cluster = await makeCluster();
    const { kube } = cluster;
    addRun(kube, 'tests');
    const waiting = cluster.run(subpipeWait, ['--logs=none', '--timeout=50ms', '--on-failure=continue', '--', 'tests']);
    await kube.seen({ verb: 'patch' });
    assert.equal(kube.find<PipelineRun>(pipelineRuns, 'tests')?.spec.status, 'Cancelled');
    endRun(kube, 'tests', { status: 'False', reason: 'Cancelled' });
    const { results, stderr } = await waiting;
    assert.equal(results.status, 'TimedOut');
    assert.match(stderr, /the runs have not ended within/);
  });

  for (const timeout of ['0', '0s', '2000h']) {
    it(`--timeout=${timeout} does not cancel anything`, async () => {
      await using wait = await startWait({ flags: ['--logs=none', `--timeout=${timeout}`], laptop: true });
      const { kube } = wait;
      await new Promise((resolve) => setTimeout(resolve, 30));
      endRun(kube, 'tests');
      assert.equal((await wait.ended).code, 0);
      assert.equal(kube.count({ verb: 'patch' }), 0);
    });
  }

  it('logs of all steps are shown live under their names, also of tasks that start later and of retries', async () => {
    await using cluster = await makeCluster();
    const { kube } = cluster;
    addRun(kube, 'tests');
    addTaskRun(kube, 'tests', 'unit');
    kube.logs.write('tests-unit-pod', 'step-run', 'ok 1');
    const err: string[] = [];
    const waiting = cluster.run(subpipeWait, ['--', 'tests']).then((run) => {
      err.push(run.stderr);
      return run;
    });
    await eventually(() => kube.logs.readers('tests-unit-pod', 'step-run') === 1);
    kube.logs.write('tests-unit-pod', 'step-run', 'ok 2');
    // The connection breaks; nothing is lost and nothing is shown twice.
    kube.logs.cut();
    kube.logs.write('tests-unit-pod', 'step-run', 'ok 3');
    await eventually(() => kube.logs.readers('tests-unit-pod', 'step-run') === 1);
    kube.logs.write('tests-unit-pod', 'step-run', 'ok 4');
    kube.logs.end('tests-unit-pod', 'step-run');
    kube.logs.starting('tests-lint-pod', 'step-run');
    addTaskRun(kube, 'tests', 'lint');
    await kube.seen({ resource: 'pods/log', name: 'tests-lint-pod' });
    kube.logs.write('tests-lint-pod', 'step-run', 'clean');
    kube.logs.end('tests-lint-pod', 'step-run');
    kube.update<TaskRun>(taskRuns, 'tests-unit', (run) => {
      run.status = {
        ...run.status,
        podName: 'tests-unit-pod-retry1',
        retriesStatus: [{ ...run.status, completionTime: new Date().toISOString() }],
        steps: [{ name: 'run', container: 'step-run', running: {} }],
      };
    });
    kube.logs.write('tests-unit-pod-retry1', 'step-run', 'again');
    kube.logs.end('tests-unit-pod-retry1', 'step-run');
    await kube.seen({ resource: 'pods/log', name: 'tests-unit-pod-retry1' });
    endRun(kube, 'tests');
    const { code, stderr } = await waiting;
    assert.equal(code, 0, stderr);
    const shown = stderr.split('\n').filter((line) => line.startsWith('['));
    assert.deepEqual(
      shown.filter((line) => line.startsWith('[tests/unit/run]')).map((line) => line.slice(17)),
      ['ok 1', 'ok 2', 'ok 3', 'ok 4'],
    );
    assert.ok(shown.includes('[tests/lint/run] clean'));
    assert.ok(shown.includes('[tests/unit (retry 1)/run] again'), stderr);
  });

  it('with --logs=failed only failed tasks are shown, at the end', async () => {
    await using cluster = await makeCluster();
    const { kube } = cluster;
    addRun(kube, 'tests');
    addTaskRun(kube, 'tests', 'good', { status: 'True' });
    addTaskRun(kube, 'tests', 'bad', { status: 'False' });
    for (const task of ['good', 'bad']) {
      kube.logs.write(`tests-${task}-pod`, 'step-run', `${task} line`);
      kube.logs.end(`tests-${task}-pod`, 'step-run');
    }
    endRun(kube, 'tests', { status: 'False' });
    const { stderr } = await cluster.run(subpipeWait, ['--logs=failed', '--', 'tests']);
    assert.ok(stderr.includes('[tests/bad/run] bad line\n'), stderr);
    assert.ok(!stderr.includes('good line'));
  });

  it('a Pipeline that runs natively inside of the run is shown under its task', async () => {
    await using cluster = await makeCluster();
    const { kube } = cluster;
    addRun(kube, 'tests', {
      status: {
        conditions: [{ type: 'Succeeded', status: 'Unknown' }],
        childReferences: [{ kind: 'PipelineRun', name: 'inner', pipelineTaskName: 'sub' }],
      },
    });
    addRun(kube, 'inner');
    addTaskRun(kube, 'inner', 'unit');
    kube.logs.write('inner-unit-pod', 'step-run', 'from within');
    kube.logs.end('inner-unit-pod', 'step-run');
    const waiting = cluster.run(subpipeWait, ['--', 'tests']);
    await kube.seen({ resource: 'pods/log', name: 'inner-unit-pod' });
    endRun(kube, 'inner');
    endRun(kube, 'tests');
    assert.ok((await waiting).stderr.includes('[tests/sub/unit/run] from within\n'));
  });

  it('logs that cannot be had are said and do not end the wait', async () => {
    await using cluster = await makeCluster();
    const { kube } = cluster;
    kube.forbid({ resource: 'pods/log' });
    addRun(kube, 'tests');
    addTaskRun(kube, 'tests', 'unit');
    const waiting = cluster.run(subpipeWait, ['--', 'tests']);
    await kube.seen({ resource: 'pods/log' });
    endRun(kube, 'tests');
    const { code, stderr } = await waiting;
    assert.equal(code, 0);
    assert.match(stderr, /warn: the log of tests\/unit\/run cannot be shown: cannot get pods\/log/);
  });

  for (const [how, happen, expected] of [
    ['is cancelled', 'Cancelled', 'Cancelled'],
    ['is cancelled with finally', 'CancelledRunFinally', 'CancelledRunFinally'],
    ['is stopped', 'StoppedRunFinally', 'StoppedRunFinally'],
  ] as const) {
    it(`a caller that ${how} passes it on within a second, and the step sees the run ended`, async () => {
      await using wait = await startWait({ flags: ['--logs=none', '--on-failure=continue'] });
      const { kube } = wait;
      orderMain(kube, happen);
      await kube.seen({ verb: 'patch', name: 'tests' });
      assert.equal(kube.find<PipelineRun>(pipelineRuns, 'tests')?.spec.status, expected);
      endRun(kube, 'tests', { status: 'False', reason: 'Cancelled' });
      const { code, stderr, results } = await wait.ended;
      assert.equal(code, 0);
      assert.equal(results.status, 'Cancelled');
      assert.ok(stderr.includes(`tests is set to ${expected}, as its caller was\n`), stderr);
    });
  }

  it('a stricter order follows a mild one, but not the other way round', async () => {
    await using wait = await startWait();
    const { kube } = wait;
    for (const status of ['StoppedRunFinally', 'Cancelled', 'CancelledRunFinally'] as const) {
      orderMain(kube, status);
      if (status !== 'CancelledRunFinally') await kube.seen({ verb: 'patch' }, status === 'Cancelled' ? 2 : 1);
    }
    endRun(kube, 'tests', { status: 'False', reason: 'Cancelled' });
    await wait.ended;
    assert.deepEqual(
      kube.requests.filter(({ verb }) => verb === 'patch').map(({ body }) => body),
      [{ spec: { status: 'StoppedRunFinally' } }, { spec: { status: 'Cancelled' } }],
    );
  });

  it('a caller that is deleted takes the run along', async () => {
    await using wait = await startWait();
    const { kube } = wait;
    kube.remove(pipelineRuns, 'main');
    const { code, results } = await wait.ended;
    assert.equal(code, 1);
    assert.deepEqual([results.status, results.reason], ['Cancelled', 'Deleted']);
    assert.equal(kube.find(pipelineRuns, 'tests'), undefined);
  });

  it('SIGTERM of a cancelled TaskRun cancels the run, and its end is waited for', async () => {
    await using wait = await startWait({ flags: ['--logs=none', '--on-failure=continue'] });
    const { kube, stop } = wait;
    kube.update<TaskRun>(taskRuns, 'main-call', (run) => {
      run.spec.status = 'TaskRunCancelled';
    });
    stop.abort(new Error('SIGTERM'));
    await kube.seen({ verb: 'patch', name: 'tests' });
    endRun(kube, 'tests', { status: 'False', reason: 'Cancelled' });
    const { code, results } = await wait.ended;
    assert.equal(code, 0);
    assert.equal(results.status, 'Cancelled');
  });

  it('SIGTERM of an evicted pod leaves the run alone', async () => {
    await using wait = await startWait();
    const { kube, stop } = wait;
    stop.abort(new Error('stopped by SIGTERM'));
    await kube.until(() => kube.watching === 3);
    kube.update<TaskRun>(taskRuns, 'main-call', (run) => {
      run.status = { conditions: [{ type: 'Succeeded', status: 'False', reason: 'Failed' }] };
    });
    const { code, stderr } = await wait.ended;
    assert.equal(code, 1);
    assert.match(
      stderr,
      /warn: this pod is stopped, but its TaskRun main-call is not cancelled: tests goes on, and the next try adopts it\n/,
    );
    assert.match(stderr, /error: the pod was stopped while waiting for tests: stopped by SIGTERM\.\n/);
    assert.equal(kube.count({ verb: 'patch' }) + kube.count({ verb: 'delete' }), 0);
  });

  it('Ctrl-C on a laptop leaves the run alone and says so', async () => {
    await using wait = await startWait({ laptop: true });
    const { kube, stop } = wait;
    stop.abort(new Error('stopped by SIGINT'));
    const { code, stderr } = await wait.ended;
    assert.equal(code, 1);
    assert.match(stderr, /error: no longer waiting; still running: tests: stopped by SIGINT\.\n/);
    assert.equal(kube.count({ verb: 'patch' }), 0);
  });

  it('the answer is right though the server is restarted, forgets versions, cuts watches and answers 429', async () => {
    await using wait = await startWait();
    const { kube } = wait;
    kube.cutWatches();
    await kube.seen({ verb: 'watch' }, 4);
    kube.fail({ verb: 'watch' }, { status: 429, headers: { 'retry-after': '0' } }, 3);
    await kube.stop();
    await kube.listen();
    await kube.until(() => kube.watching === 2);
    await kube.stop();
    endRun(kube, 'tests', { results: [{ name: 'x', value: 'right' }] });
    kube.compact();
    await kube.listen();
    const { code, results } = await wait.ended;
    assert.equal(code, 0);
    assert.equal(results.results, '{"x":"right"}');
  });
});
