import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pipelineRuns } from '../../runtime/kube/resource.ts';
import type { PipelineRun } from '../../runtime/tekton/types.ts';
import { apply } from './support/apply.ts';
import { kube } from './support/context.ts';
import { testNamespace } from './support/namespace.ts';
import { call, parent, scriptPipeline, sleeping } from './support/pipelines.ts';
import { firstChild, isDone, logged, logOf, run, start, taskRunOf } from './support/runs.ts';

/** Two tasks, one of which fails at its first try. */
const flaky = `
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: flaky}
spec:
  tasks:
  - name: good
    taskSpec:
      steps:
      - {name: one, image: SHELL_IMAGE, command: [echo, from step one]}
      - {name: two, image: SHELL_IMAGE, command: [echo, from step two]}
  - name: bad
    retries: 1
    taskSpec:
      steps: [{name: run, image: SHELL_IMAGE, command: [sh, -c, "echo try of $(context.taskRun.name); exit 1"]}]
`;

describe("the log of the caller's step", { concurrency: 3 }, () => {
  it('has the lines of all steps of the child, prefixed, retries included', async (t) => {
    const namespace = await testNamespace(t, 'logs');
    await apply(namespace, flaky);
    await run(namespace, parent(call('call', { pipeline: 'flaky' })));
    const log = await logOf(namespace, 'main', 'call');
    assert.match(log, /^\[call\/good\/one\] from step one$/m);
    assert.match(log, /^\[call\/good\/two\] from step two$/m);
    assert.match(log, /^\[call\/bad\/run\] try of /m);
    assert.match(log, /^\[call\/bad \(retry 1\)\/run\] try of /m);
    assert.equal(log.match(/from step one/g)?.length, 1, 'no line comes twice');
  });

  it('has the lines while the child still runs', async (t) => {
    const namespace = await testNamespace(t, 'live');
    await apply(namespace, scriptPipeline('slow', sleeping(300)));
    await start(namespace, parent(call('call', { pipeline: 'slow' })));
    const { metadata } = await firstChild(namespace, 'main');
    const { status } = await taskRunOf(namespace, 'main', 'call');
    await logged(namespace, status?.podName ?? '', 'step-subpipe', '[call/job/run] started\n');
    assert.equal(isDone(await kube.get<PipelineRun>(pipelineRuns, namespace, metadata.name)), false);
  });

  it('has the whole tree: a grandchild under the child that called it', async (t) => {
    const namespace = await testNamespace(t, 'tree');
    await apply(
      namespace,
      scriptPipeline('leaf', 'echo from the leaf'),
      `
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: middle}
spec:
  tasks:
${call('inner', { pipeline: 'leaf' }).replace(/^/gm, '  ')}
`,
    );
    await run(namespace, parent(call('outer', { pipeline: 'middle', 'service-account': 'subpipe' })));
    assert.match(
      await logOf(namespace, 'main', 'outer'),
      /^\[outer\/inner\/subpipe\] \[inner\/job\/run\] from the leaf$/m,
    );
  });

  it('has only the failed tasks with logs failed, and none with none', async (t) => {
    const namespace = await testNamespace(t, 'logmodes');
    await apply(namespace, flaky);
    const calls = [
      call('failed', { pipeline: 'flaky', logs: 'failed', 'on-failure': 'continue' }),
      call('none', { pipeline: 'flaky', logs: 'none', 'on-failure': 'continue' }),
    ];
    await run(namespace, parent(calls.join('\n')));
    const failed = await logOf(namespace, 'main', 'failed');
    assert.match(failed, /\[failed\/bad \(retry 1\)\/run\] try of/);
    assert.doesNotMatch(failed, /from step one/);
    assert.doesNotMatch(await logOf(namespace, 'main', 'none'), /from step|try of/);
  });

  it('is JSON for machines with log-format json', async (t) => {
    const namespace = await testNamespace(t, 'jsonlog');
    await apply(namespace, scriptPipeline('leaf', 'echo from the leaf'));
    await run(namespace, parent(call('call', { pipeline: 'leaf', 'log-format': 'json' })));
    const lines = (await logOf(namespace, 'main', 'call'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.ok(lines.some(({ from, message }) => from === 'call/job/run' && message === 'from the leaf'));
  });
});
