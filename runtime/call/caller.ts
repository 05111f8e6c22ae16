import { parseDuration } from '../duration.ts';
import { hasCode } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { pipelineRuns, taskRuns } from '../kube/resource.ts';
import { podName } from '../results-limit.ts';
import { labels, type PipelineRun, type TaskRun } from '../tekton/types.ts';

/** Environment of a step's container from its pod's labels: who calls, without a request. */
export const callerFields = {
  SUBPIPE_TASK_RUN: `metadata.labels['${labels.taskRun}']`,
  SUBPIPE_PIPELINE_RUN: `metadata.labels['${labels.pipelineRun}']`,
  ...podName,
} as const;

/** The TaskRun that this step runs in, by name. */
export interface CallerName {
  namespace: string;
  taskRun: string;
  /** Unset for a TaskRun of its own. */
  pipelineRun: string | undefined;
}

/** The caller as its objects say. */
export interface Caller extends CallerName {
  run: TaskRun;
  parent: PipelineRun | undefined;
  /** When Tekton ends this TaskRun or the part of the PipelineRun it belongs to, in ms since 1970. Unset: never. */
  deadline: number | undefined;
}

/** Who calls, from the environment; `undefined` outside a TaskRun, such as on a laptop. */
export async function callerName(kube: KubeClient, env: NodeJS.ProcessEnv): Promise<CallerName | undefined> {
  const taskRun = env.SUBPIPE_TASK_RUN;
  if (taskRun === undefined || taskRun === '') return undefined;
  const { namespace } = await kube.config();
  return { namespace, taskRun, pipelineRun: env.SUBPIPE_PIPELINE_RUN || undefined };
}

/**
 * Reads the calling TaskRun and its PipelineRun, both at once.
 * @throws SubpipeError `FORBIDDEN` and others of the API.
 */
export async function readCaller(kube: KubeClient, name: CallerName, signal?: AbortSignal): Promise<Caller> {
  const [run, parent] = await Promise.all([
    kube.get<TaskRun>(taskRuns, name.namespace, name.taskRun, signal),
    name.pipelineRun === undefined ? undefined : readParent(kube, name.namespace, name.pipelineRun, signal),
  ]);
  return { ...name, run, parent, deadline: deadlineOf(run, parent) };
}

/** The parent may be deleted at any moment: then its TaskRuns follow, and there is nothing to read. */
async function readParent(
  kube: KubeClient,
  namespace: string,
  name: string,
  signal?: AbortSignal,
): Promise<PipelineRun | undefined> {
  try {
    return await kube.get<PipelineRun>(pipelineRuns, namespace, name, signal);
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/**
 * The earliest end that Tekton sets: the TaskRun's timeout, and the PipelineRun's `timeouts` (pipeline; tasks, or finally
 * for a finally task), see docs/pipelineruns.md "Configuring a failure timeout".
 */
export function deadlineOf(run: TaskRun, parent: PipelineRun | undefined): number | undefined {
  const ends = [endOf(run.status?.startTime, run.spec.timeout)];
  if (parent !== undefined) {
    const { timeouts } = parent.spec;
    const start = parent.status?.startTime;
    ends.push(endOf(start, timeouts?.pipeline));
    const task = run.metadata.labels?.[labels.pipelineTask];
    const isFinally = parent.status?.pipelineSpec?.finally?.some(({ name }) => name === task) === true;
    if (isFinally) ends.push(endOf(parent.status?.finallyStartTime, timeouts?.finally));
    else ends.push(endOf(start, timeouts?.tasks), endOf(start, tasksShare(timeouts?.pipeline, timeouts?.finally)));
  }
  const set = ends.filter((end) => end !== undefined);
  return set.length === 0 ? undefined : Math.min(...set);
}

/** Tekton derives `tasks` from `pipeline` minus `finally` where only these two are set. */
function tasksShare(pipeline: string | undefined, final: string | undefined): string | undefined {
  if (pipeline === undefined || final === undefined) return undefined;
  const [whole, part] = [parseDuration(pipeline, 'timeouts.pipeline'), parseDuration(final, 'timeouts.finally')];
  return whole === 0 || part === 0 ? undefined : `${(whole - part) / 1000}s`;
}

function endOf(start: string | undefined, timeout: string | undefined): number | undefined {
  if (timeout === undefined) return undefined;
  const ms = parseDuration(timeout, 'timeout');
  if (ms === 0) return undefined; // Tekton: no timeout
  return (start === undefined ? Date.now() : Date.parse(start)) + ms;
}
