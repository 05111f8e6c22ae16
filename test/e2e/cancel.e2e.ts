import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pipelineRuns, taskRuns } from '../../runtime/kube/resource.ts';
import { watch } from '../../runtime/kube/watch.ts';
import { type PipelineRun, succeeded } from '../../runtime/tekton/types.ts';
import { apply } from './support/apply.ts';
import { kube } from './support/context.ts';
import { testNamespace } from './support/namespace.ts';
import { call, parent, scriptPipeline, sleeping } from './support/pipelines.ts';
import { ended, firstChild, patience, start, taskRunOf, until, verdict } from './support/runs.ts';

const finalTask = `
  finally:
  - {name: cleanup, taskSpec: {steps: [{name: run, image: SHELL_IMAGE, command: [echo, cleaned]}]}}`;
const slow = scriptPipeline('slow', sleeping(300), finalTask);

/** A parent with a running child: its names, and the time of the child's next change of `spec.status` or deletion. */
async function running(
  namespace: string,
  yaml: string,
): Promise<{ child: string; told: Promise<{ at: number; as: string }> }> {
  await apply(namespace, slow);
  await start(namespace, yaml);
  const child = await firstChild(namespace, 'main', (run) => (run.status?.childReferences ?? []).length > 0);
  const { name } = child.metadata;
  // Its task runs, so that there is something to cancel.
  const state = await until(pipelineRuns, namespace, name, (run: PipelineRun) => succeeded(run)?.reason === 'Running');
  return { child: name, told: firstOrder(namespace, state) };
}

async function firstOrder(namespace: string, child: PipelineRun): Promise<{ at: number; as: string }> {
  const { name, resourceVersion } = child.metadata;
  const signal = AbortSignal.timeout(patience);
  for await (const { type, object } of watch<PipelineRun>(kube, pipelineRuns, namespace, {
    fieldSelector: `metadata.name=${name}`,
    known: [child],
    resourceVersion,
    signal,
  })) {
    if (type === 'DELETED' || object.metadata.deletionTimestamp !== undefined) return { at: Date.now(), as: 'Deleted' };
    if (object.spec.status !== undefined) return { at: Date.now(), as: object.spec.status };
  }
  throw new Error(`${name} was told nothing within ${patience} ms`);
}

/** The child is to hear it within a second. A loaded machine may stall: what counts here is that no poll and no grace period is waited for. */
const soon = 5000;

describe('what happens to the caller happens to the child', { concurrency: 3 }, () => {
  for (const order of ['Cancelled', 'CancelledRunFinally', 'StoppedRunFinally'] as const) {
    it(`${order} within a second, and the child is seen ended`, async (t) => {
      const namespace = await testNamespace(t, order.toLowerCase());
      const { child, told } = await running(namespace, parent(call('call', { pipeline: 'slow' })));
      const at = Date.now();
      await kube.patch(pipelineRuns, namespace, 'main', { spec: { status: order } });
      const heard = await told;
      assert.equal(heard.as, order);
      t.diagnostic(`heard after ${heard.at - at} ms`);
      assert.ok(heard.at - at < soon);
      if (order === 'StoppedRunFinally') {
        // Its running task may end by itself: do not wait a minute for it.
        await kube.patch(pipelineRuns, namespace, child, { spec: { status: 'CancelledRunFinally' } });
      }
      const done = await ended(namespace, child);
      assert.equal(verdict(done), 'False Cancelled');
      const cleaned =
        done.status?.childReferences?.some(({ pipelineTaskName }) => pipelineTaskName === 'cleanup') === true;
      assert.equal(cleaned, order !== 'Cancelled', 'finally tasks of the child run unless it is cancelled outright');
      await ended(namespace, 'main');
    });
  }

  it('deleted: the child is deleted as well', async (t) => {
    const namespace = await testNamespace(t, 'deleted');
    const { child, told } = await running(namespace, parent(call('call', { pipeline: 'slow' })));
    const at = Date.now();
    await kube.delete(pipelineRuns, namespace, 'main');
    const heard = await told;
    assert.equal(heard.as, 'Deleted', child);
    t.diagnostic(`heard after ${heard.at - at} ms`);
    assert.ok(heard.at - at < soon);
  });

  it('deleted, with the child in another namespace, where no owner reference reaches', async (t) => {
    const namespace = await testNamespace(t, 'delhere');
    const other = await testNamespace(t, 'delthere');
    await apply(other, slow, grant(namespace));
    await start(namespace, parent(call('call', { pipeline: 'slow', namespace: other })));
    const child = await firstChild(other, 'main', (run) => succeeded(run)?.reason === 'Running');
    const told = firstOrder(other, child);
    const at = Date.now();
    await kube.delete(pipelineRuns, namespace, 'main');
    const heard = await told;
    assert.equal(heard.as, 'Deleted');
    t.diagnostic(`heard after ${heard.at - at} ms`);
    assert.ok(heard.at - at < soon);
  });

  it('a TaskRun of its own that is cancelled cancels the child', async (t) => {
    const namespace = await testNamespace(t, 'taskrun');
    await apply(
      namespace,
      slow,
      `{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: main}, spec: {serviceAccountName: subpipe, taskRef: {name: subpipe}, params: [{name: pipeline, value: slow}]}}`,
    );
    const child = await firstChild(namespace, 'main', (run) => succeeded(run)?.reason === 'Running');
    const told = firstOrder(namespace, child);
    await kube.patch(taskRuns, namespace, 'main', { spec: { status: 'TaskRunCancelled' } });
    assert.equal((await told).as, 'Cancelled');
  });

  // A child of a call times out before its caller: see failure.e2e.ts. A run that somebody else made has time of its own.
  for (const [who, caller] of [
    ['PipelineRun', parent(waitFor('other'), '', '  timeouts: {pipeline: 30s}')],
    ['TaskRun', parent(waitFor('other', 'timeout: 30s'))],
  ] as const) {
    it(`a ${who} that times out cancels the run that it waits for`, async (t) => {
      const namespace = await testNamespace(t, `${who.toLowerCase()}timeout`);
      await apply(namespace, slow);
      await apply(
        namespace,
        '{apiVersion: tekton.dev/v1, kind: PipelineRun, metadata: {name: other}, spec: {pipelineRef: {name: slow}}}',
        caller,
      );
      const done = await ended(namespace, 'other');
      assert.deepEqual([done.spec.status, verdict(done)], ['Cancelled', 'False Cancelled']);
      assert.match(verdict(await ended(namespace, 'main')), /^False (PipelineRunTimeout|Failed)$/);
    });
  }

  it('is said in the log of the caller', async (t) => {
    const namespace = await testNamespace(t, 'cancellog');
    const { child } = await running(namespace, parent(call('call', { pipeline: 'slow' })));
    const pod = (await taskRunOf(namespace, 'main', 'call')).status?.podName ?? '';
    const log = await kube.podLog(namespace, pod, { container: 'step-subpipe', follow: true });
    await kube.patch(pipelineRuns, namespace, 'main', { spec: { status: 'Cancelled' } });
    let text = '';
    for await (const chunk of log) text += String(chunk);
    assert.ok(text.includes(`${child} is set to Cancelled, as its caller was`), text);
    assert.match(text, new RegExp(`${child} ended: Cancelled`));
  });
});

/** One task that waits for a run by the Task subpipe-wait. */
function waitFor(name: string, more = ''): string {
  return `- name: wait\n  taskRef: {name: subpipe-wait}\n  params: [{name: runs, value: [${name}]}]\n  ${more}`;
}

/** Lets the service account subpipe of `from` do in another namespace what it may do in its own. */
function grant(from: string): string {
  return `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: from-elsewhere}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: subpipe}
subjects: [{kind: ServiceAccount, name: subpipe, namespace: ${from}}]
`;
}
