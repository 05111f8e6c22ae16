import { explain, hasCode } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { pipelineRuns, taskRuns } from '../kube/resource.ts';
import { watch } from '../kube/watch.ts';
import type { Log } from '../log.ts';
import { type PipelineRun, succeeded, type TaskRun } from '../tekton/types.ts';
import type { CallerName } from './caller.ts';
import type { Order } from './children.ts';

/**
 * Watches the caller and gives each order that its children must get: the PipelineRun's `spec.status` as it is patched,
 * or its deletion; for a TaskRun of its own, the TaskRun's. Ends when `signal` aborts.
 */
export async function* ordersOf(
  kube: KubeClient,
  caller: CallerName,
  options: { resourceVersion?: string | undefined; signal: AbortSignal; log: Log },
): AsyncGenerator<Order, void, undefined> {
  const { signal, resourceVersion } = options;
  const name = caller.pipelineRun ?? caller.taskRun;
  const known = resourceVersion === undefined ? [] : [{ metadata: { name }, spec: {} }];
  const at = { fieldSelector: `metadata.name=${name}`, resourceVersion, known, signal };
  try {
    if (caller.pipelineRun === undefined) {
      for await (const { type, object } of watch<TaskRun>(kube, taskRuns, caller.namespace, at)) {
        const order = type === 'DELETED' ? 'Deleted' : orderOfTaskRun(object, undefined);
        if (order !== undefined) yield order;
      }
      return;
    }
    for await (const { type, object } of watch<PipelineRun>(kube, pipelineRuns, caller.namespace, at)) {
      const order = type === 'DELETED' ? 'Deleted' : orderOfRun(object);
      if (order !== undefined) yield order;
    }
  } catch (error) {
    // Without this watch the step still hears SIGTERM: less, but not nothing.
    options.log.warn(`the caller ${name} cannot be watched, so only its pod's end is passed on: ${explain(error)}`);
  }
}

/**
 * Why this pod is being stopped. A pod is also evicted, drained or preempted: then the TaskRun may be tried again, the
 * children go on, and the next try adopts them. The TaskRun says it within a moment, sometimes after the pod is told.
 *
 * @returns The order for the children, or `undefined` where they are to go on.
 */
export async function whyStopped(
  kube: KubeClient,
  caller: CallerName,
  signal: AbortSignal,
): Promise<Order | undefined> {
  try {
    const run = await kube.get<TaskRun>(taskRuns, caller.namespace, caller.taskRun, signal);
    const first = await verdictOf(kube, caller, run, signal);
    if (first !== 'unclear') return first === 'evicted' ? undefined : first;
    const events = watch<TaskRun>(kube, taskRuns, caller.namespace, {
      fieldSelector: `metadata.name=${caller.taskRun}`,
      resourceVersion: run.metadata.resourceVersion,
      signal: AbortSignal.any([signal, AbortSignal.timeout(5000)]),
    });
    for await (const { type, object } of events) {
      if (type === 'DELETED') return 'Deleted';
      const verdict = await verdictOf(kube, caller, object, signal);
      if (verdict !== 'unclear') return verdict === 'evicted' ? undefined : verdict;
    }
    return undefined;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return 'Deleted';
    throw error;
  }
}

async function verdictOf(
  kube: KubeClient,
  caller: CallerName,
  run: TaskRun,
  signal: AbortSignal,
): Promise<Order | 'evicted' | 'unclear'> {
  const parent = caller.pipelineRun === undefined ? undefined : await parentOf(kube, caller, signal);
  if (parent === 'deleted') return 'Deleted';
  const order = (parent === undefined ? undefined : orderOfRun(parent)) ?? orderOfTaskRun(run, parent);
  // A StoppedRunFinally lets running tasks end: it is not why this pod stops.
  if (order !== undefined && order !== 'StoppedRunFinally') return order;
  const condition = succeeded(run);
  return condition?.status === 'False' || condition?.reason === 'ToBeRetried' ? 'evicted' : 'unclear';
}

async function parentOf(kube: KubeClient, caller: CallerName, signal: AbortSignal): Promise<PipelineRun | 'deleted'> {
  try {
    return await kube.get<PipelineRun>(pipelineRuns, caller.namespace, caller.pipelineRun ?? '', signal);
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return 'deleted';
    throw error;
  }
}

function orderOfRun(run: PipelineRun): Order | undefined {
  if (run.metadata.deletionTimestamp !== undefined) return 'Deleted';
  const { status } = run.spec;
  if (status === 'Cancelled' || status === 'CancelledRunFinally' || status === 'StoppedRunFinally') return status;
  return succeeded(run)?.reason === 'PipelineRunTimeout' ? 'TimedOut' : undefined;
}

function orderOfTaskRun(run: TaskRun, parent: PipelineRun | undefined): Order | undefined {
  if (run.metadata.deletionTimestamp !== undefined) return 'Deleted';
  const reason = succeeded(run)?.reason;
  if (reason === 'TaskRunTimeout' || /timed out|timeout/i.test(run.spec.statusMessage ?? '')) return 'TimedOut';
  if (run.spec.status === 'TaskRunCancelled' || reason === 'TaskRunCancelled') {
    return parent?.spec.status === 'CancelledRunFinally' ? 'CancelledRunFinally' : 'Cancelled';
  }
  return undefined;
}
