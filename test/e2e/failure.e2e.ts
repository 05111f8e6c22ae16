import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apply } from './support/apply.ts';
import { testNamespace } from './support/namespace.ts';
import { atTheEnd, call, parent, scriptPipeline, show, sleeping, when } from './support/pipelines.ts';
import { childrenOf, logOf, resultsOf, run, verdict } from './support/runs.ts';

const failing = scriptPipeline('failing', 'echo it breaks; exit 3');

describe('a child that fails', { concurrency: 3 }, () => {
  it('fails the parent, whose finally task reads status, reason and failed tasks', async (t) => {
    const namespace = await testNamespace(t, 'fail');
    await apply(namespace, failing);
    const values = {
      status: '$(tasks.call.results.status)',
      reason: '$(tasks.call.results.reason)',
      task: '$(tasks.call.status)',
    };
    const done = await run(namespace, parent(call('call', { pipeline: 'failing' }), atTheEnd(show('report', values))));
    assert.equal(verdict(done), 'False Failed');
    assert.match(await logOf(namespace, 'main', 'report'), /status=Failed reason=Failed task=Failed/);
    const [child] = await childrenOf(namespace, 'main');
    assert.deepEqual((await resultsOf(namespace, 'main', 'call'))['failed-tasks'], [`${child?.metadata.name}/job`]);
  });

  it('does not fail the parent with on-failure continue, and later tasks branch on its status', async (t) => {
    const namespace = await testNamespace(t, 'continue');
    await apply(namespace, failing);
    const status = '$(tasks.call.results.status)';
    const later = when(show('after', { status }), status, 'Failed');
    const done = await run(
      namespace,
      parent(`${call('call', { pipeline: 'failing', 'on-failure': 'continue' })}\n${later}`),
    );
    assert.equal(verdict(done), 'True Succeeded');
    assert.match(await logOf(namespace, 'main', 'after'), /status=Failed/);
  });

  it('is tried again as a new child with retries of the call', async (t) => {
    const namespace = await testNamespace(t, 'retries');
    await apply(namespace, failing);
    await run(namespace, parent(call('call', { pipeline: 'failing', retries: '2' })));
    const children = await childrenOf(namespace, 'main');
    assert.equal(children.length, 3);
    assert.deepEqual(
      children.map(({ metadata }) => metadata.name.replace(children[0]?.metadata.name ?? '', '')).sort(),
      ['', '-r1', '-r2'],
    );
    assert.match(await logOf(namespace, 'main', 'call'), /call is tried again, 1 of 2 retries left/);
  });

  it("is made anew by the pipeline task's own retries", async (t) => {
    const namespace = await testNamespace(t, 'taskretry');
    await apply(namespace, failing);
    await run(namespace, parent(call('call', { pipeline: 'failing' }, 'retries: 1\n')));
    assert.equal((await childrenOf(namespace, 'main')).length, 2);
  });
});

describe('the timeout of a call', { concurrency: 2 }, () => {
  it('ends the child, whose status TimedOut the parent reads', async (t) => {
    const namespace = await testNamespace(t, 'timeout');
    await apply(namespace, scriptPipeline('slow', sleeping(60)));
    const done = await run(
      namespace,
      parent(
        `${call('call', { pipeline: 'slow', timeout: '4s', 'on-failure': 'continue' })}\n${show('after', { status: '$(tasks.call.results.status)', reason: '$(tasks.call.results.reason)' })}`,
      ),
    );
    assert.equal(verdict(done), 'True Succeeded');
    assert.match(await logOf(namespace, 'main', 'after'), /status=TimedOut reason=PipelineRunTimeout/);
  });

  it("is capped by the caller's remaining time, so that the child ends first and is reported", async (t) => {
    const namespace = await testNamespace(t, 'cap');
    await apply(namespace, scriptPipeline('slow', sleeping(180)));
    const done = await run(
      namespace,
      parent(
        call('call', { pipeline: 'slow', timeout: '1h' }),
        atTheEnd(show('report', { status: '$(tasks.call.results.status)' })),
        '  timeouts: {pipeline: 210s, tasks: 120s, finally: 90s}',
      ),
    );
    assert.equal(verdict(done), 'False Failed');
    const [child] = await childrenOf(namespace, 'main');
    assert.match(child?.spec.timeouts?.pipeline ?? '', /^([3-9][0-9]s|1m[0-3]?[0-9]s)$/);
    assert.match(await logOf(namespace, 'main', 'report'), /status=TimedOut/);
  });

  it("is capped by the pipeline task's timeout as well", async (t) => {
    const namespace = await testNamespace(t, 'taskcap');
    await apply(namespace, scriptPipeline('slow', sleeping(180)));
    await run(namespace, parent(call('call', { pipeline: 'slow' }, 'timeout: 75s\n')));
    const [child] = await childrenOf(namespace, 'main');
    assert.match(child?.spec.timeouts?.pipeline ?? '', /^([1-5][0-9]|[5-9])s$/);
    assert.equal((await resultsOf(namespace, 'main', 'call')).status, 'TimedOut');
  });
});
