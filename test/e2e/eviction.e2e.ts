import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type KubeObject, pipelineRuns, pods } from '../../runtime/kube/resource.ts';
import { watch } from '../../runtime/kube/watch.ts';
import { labels, type PipelineRun, succeeded } from '../../runtime/tekton/types.ts';
import { apply } from './support/apply.ts';
import { kubectl } from './support/command.ts';
import { kube } from './support/context.ts';
import { testNamespace } from './support/namespace.ts';
import { call, parent, scriptPipeline, sleeping } from './support/pipelines.ts';
import { childrenOf, ended, firstChild, logged, logOf, patience, start, taskRunOf, verdict } from './support/runs.ts';

describe('a pod that is killed in the middle of a wait', { concurrency: 3 }, () => {
  /** A parent with a retry, whose child runs and whose step waits for it. */
  async function waiting(namespace: string, pipeline: string): Promise<{ child: string; pod: string; uid: string }> {
    await start(namespace, parent(call('call', { pipeline }, 'retries: 1\n')));
    const { metadata } = await firstChild(namespace, 'main', (run) => succeeded(run)?.reason === 'Running');
    return { child: metadata.name, ...(await callerPod(namespace)) };
  }

  it('leaves its child running, and the next try adopts it: exactly one child', async (t) => {
    const namespace = await testNamespace(t, 'adopt');
    await apply(namespace, scriptPipeline('slow', sleeping(40)));
    const { child, pod, uid } = await waiting(namespace, 'slow');
    await kube.delete(pods, namespace, pod);
    await nextPod(namespace, uid);
    assert.equal(
      (await kube.get<PipelineRun>(pipelineRuns, namespace, child)).spec.status,
      undefined,
      'the child was told nothing',
    );
    const done = await ended(namespace, 'main');
    assert.equal(verdict(done), 'True Succeeded');
    const children = await childrenOf(namespace, 'main');
    assert.deepEqual(
      children.map(({ metadata }) => metadata.name),
      [child],
    );
    assert.match(
      await logOf(namespace, 'main', 'call'),
      new RegExp(`${child} of slow .* adopted, an earlier try made it`),
    );
  });

  it('finds a child that has succeeded meanwhile', async (t) => {
    const namespace = await testNamespace(t, 'meanwhile');
    await apply(namespace, scriptPipeline('short', sleeping(4)));
    const { child, pod } = await waiting(namespace, 'short');
    // Killed outright: no SIGTERM, nothing can be tidied up.
    await killNow(namespace, pod);
    await ended(namespace, child);
    const done = await ended(namespace, 'main');
    assert.equal(verdict(done), 'True Succeeded');
    assert.equal((await childrenOf(namespace, 'main')).length, 1);
  });

  it('makes a new child only where the last one failed', async (t) => {
    const namespace = await testNamespace(t, 'anew');
    await apply(namespace, scriptPipeline('fails', `${sleeping(4)}; exit 1`));
    const { child, pod } = await waiting(namespace, 'fails');
    await killNow(namespace, pod);
    assert.equal(verdict(await ended(namespace, child)), 'False Failed');
    assert.equal(verdict(await ended(namespace, 'main')), 'False Failed');
    const children = await childrenOf(namespace, 'main');
    assert.equal(children[0]?.metadata.name, child);
    assert.ok(children.length > 1, 'a child that failed is not adopted');
    for (const [index, next] of children.slice(1).entries()) {
      const before = children[index]?.status?.completionTime ?? 'never';
      assert.ok((next.metadata.creationTimestamp ?? '') >= before, 'one child at a time');
    }
  });

  it('does not have its retries of the call counted anew', async (t) => {
    const namespace = await testNamespace(t, 'counted');
    // The first child fails at once, the second one runs until it is killed.
    const script = `case $(context.taskRun.name) in *-r1-job) ;; *) exit 1;; esac; ${sleeping(600)}`;
    await apply(namespace, scriptPipeline('flaky', script));
    // Without retries of the TaskRun, after which the call may have all of its own again.
    await start(namespace, parent(call('call', { pipeline: 'flaky', retries: '1' })));
    const isSecond = ({ metadata }: PipelineRun): boolean => metadata.name.endsWith('-r1');
    const second = await firstChild(namespace, 'main', (run) => isSecond(run) && succeeded(run)?.reason === 'Running');
    const { pod, uid } = await callerPod(namespace);
    // A pod that is gone without having failed is made again by Tekton.
    await killNow(namespace, pod);
    const next = await nextPod(namespace, uid);
    await logged(namespace, next, 'step-subpipe', `${second.metadata.name} of flaky in namespace ${namespace} adopted`);
    // Now the second child fails, which was the last one that the call may have.
    const job = await taskRunOf(namespace, second.metadata.name, 'job');
    await kubectl(['exec', '-n', namespace, job.status?.podName ?? '', '-c', 'step-run', '--', 'kill', '1']);
    assert.equal(verdict(await ended(namespace, 'main')), 'False Failed');
    assert.equal((await childrenOf(namespace, 'main')).length, 2, 'one try and one retry, whichever pod made them');
  });

  it('by an eviction that the API server was asked for', async (t) => {
    const namespace = await testNamespace(t, 'evict');
    await apply(namespace, scriptPipeline('slow', sleeping(40)));
    const { child, pod } = await waiting(namespace, 'slow');
    await kube.open(
      { verb: 'create', resource: 'pods/eviction', namespace, name: pod },
      `/api/v1/namespaces/${namespace}/pods/${pod}/eviction`,
      {
        method: 'POST',
        type: 'application/json',
        body: JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace } }),
      },
    );
    assert.equal(verdict(await ended(namespace, 'main')), 'True Succeeded');
    assert.deepEqual(
      (await childrenOf(namespace, 'main')).map(({ metadata }) => metadata.name),
      [child],
    );
  });
});

/** The pod of the parent's task that waits. */
async function callerPod(namespace: string): Promise<{ pod: string; uid: string }> {
  const pod = (await taskRunOf(namespace, 'main', 'call')).status?.podName ?? '';
  const { uid = '' } = (await kube.get(pods, namespace, pod)).metadata;
  return { pod, uid };
}

/**
 * The pod that takes the place of another, as soon as it runs: a retry's, or, where Tekton has not seen the first one fail
 * before it was gone, a new one of the same try under the same name.
 */
async function nextPod(namespace: string, uid: string): Promise<string> {
  const labelSelector = `${labels.pipelineRun}=main,${labels.pipelineTask}=call`;
  const signal = AbortSignal.timeout(patience);
  for await (const { object } of watch<Pod>(kube, pods, namespace, { labelSelector, signal })) {
    if (object.metadata.uid !== uid && object.status?.phase === 'Running') return object.metadata.name;
  }
  throw new Error(`no pod has taken the place of main's within ${patience} ms`);
}

type Pod = KubeObject & { status?: { phase?: string } };

async function killNow(namespace: string, pod: string): Promise<void> {
  await kube.open(
    { verb: 'delete', resource: 'pods', namespace, name: pod },
    `/api/v1/namespaces/${namespace}/pods/${pod}?gracePeriodSeconds=0`,
    {
      method: 'DELETE',
    },
  );
}
