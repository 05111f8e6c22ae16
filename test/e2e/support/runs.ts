import type { KubeObject, Resource } from '../../../runtime/kube/resource.ts';
import { pipelineRuns, taskRuns } from '../../../runtime/kube/resource.ts';
import { watch } from '../../../runtime/kube/watch.ts';
import { labels, type PipelineRun, succeeded, type TaskRun } from '../../../runtime/tekton/types.ts';
import { apply } from './apply.ts';
import { kube } from './context.ts';

/** Ms after which a wait has failed. What takes seconds takes minutes on a machine that does much else at the same time. */
export const patience = 300_000;

/** Waits for an object to be as `test` wants it. @throws Error that says what it was instead. */
export async function until<T extends KubeObject>(
  resource: Resource,
  namespace: string,
  name: string,
  test: (object: T) => boolean,
  ms = patience,
): Promise<T> {
  const signal = AbortSignal.timeout(ms);
  let last: T | undefined;
  for await (const { object } of watch<T>(kube, resource, namespace, {
    fieldSelector: `metadata.name=${name}`,
    signal,
  })) {
    last = object;
    if (test(object)) return object;
  }
  throw new Error(
    `${resource.kind} ${name} was not as expected within ${ms} ms: ${JSON.stringify(last, null, 1)?.slice(0, 4000)}`,
  );
}

export function isDone(run: PipelineRun | TaskRun): boolean {
  const status = succeeded(run)?.status;
  return status === 'True' || status === 'False';
}

/** Creates a PipelineRun from YAML (under the service account `subpipe`, unless it names one) and gives its name. */
export async function start(namespace: string, yaml: string): Promise<string> {
  const [run] = await apply<PipelineRun>(namespace, yaml);
  if (run === undefined) throw new Error('no PipelineRun was given');
  return run.metadata.name;
}

/** Creates a PipelineRun and waits for its end. */
export async function run(namespace: string, yaml: string, ms?: number): Promise<PipelineRun> {
  return ended(namespace, await start(namespace, yaml), ms);
}

export function ended(namespace: string, name: string, ms?: number): Promise<PipelineRun> {
  return until<PipelineRun>(pipelineRuns, namespace, name, isDone, ms);
}

/** `Succeeded` and why, for an assertion that says what happened. */
export function verdict(object: PipelineRun | TaskRun): string {
  const condition = succeeded(object);
  return `${condition?.status} ${condition?.reason}`;
}

/** The runs that a run's tasks have called, by creation. */
export async function childrenOf(namespace: string, parent: string): Promise<PipelineRun[]> {
  const { items } = await kube.list<PipelineRun>(pipelineRuns, namespace, {});
  return items
    .filter((one) => one.metadata.labels?.['subpipe.dev/caller']?.startsWith(parent) === true)
    .sort((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''));
}

/** The first child of a parent, as soon as there is one. */
export async function firstChild(
  namespace: string,
  parent: string,
  test: (run: PipelineRun) => boolean = () => true,
): Promise<PipelineRun> {
  const signal = AbortSignal.timeout(patience);
  for await (const { object } of watch<PipelineRun>(kube, pipelineRuns, namespace, {
    labelSelector: 'subpipe.dev/call',
    signal,
  })) {
    if (object.metadata.labels?.['subpipe.dev/caller']?.startsWith(parent) === true && test(object)) return object;
  }
  throw new Error(`${parent} has made no child (as expected) within ${patience} ms`);
}

export async function taskRunOf(namespace: string, parent: string, task: string): Promise<TaskRun> {
  const selector = `${labels.pipelineRun}=${parent},${labels.pipelineTask}=${task}`;
  const { items } = await kube.list<TaskRun>(taskRuns, namespace, { labelSelector: selector });
  const [found] = items;
  if (found === undefined) throw new Error(`${parent} has no TaskRun for ${task}`);
  return found;
}

/** All lines that one task of a run has logged. */
export async function logOf(namespace: string, parent: string, task: string): Promise<string> {
  const taskRun = await taskRunOf(namespace, parent, task);
  return podLog(namespace, taskRun);
}

export async function podLog(namespace: string, taskRun: TaskRun): Promise<string> {
  const pod = taskRun.status?.podName;
  if (pod === undefined) return '';
  const parts: string[] = [];
  for (const step of taskRun.status?.steps ?? []) {
    const body = await kube.podLog(namespace, pod, { container: step.container ?? '' });
    for await (const chunk of body) parts.push(String(chunk));
  }
  return parts.join('');
}

/** Waits until a container that runs has logged a text. */
export async function logged(namespace: string, pod: string, container: string, text: string): Promise<void> {
  const signal = AbortSignal.timeout(patience);
  let log = '';
  for await (const chunk of await kube.podLog(namespace, pod, { container, follow: true }, signal)) {
    log += String(chunk);
    if (log.includes(text)) return;
  }
  throw new Error(`${pod} has not logged "${text}", but: ${log}`);
}

/** What a task of a run returned. */
export async function resultsOf(namespace: string, parent: string, task: string): Promise<Record<string, unknown>> {
  const taskRun = (await taskRunOf(namespace, parent, task)) as TaskRun & {
    status?: { results?: { name: string; value: unknown }[] };
  };
  return Object.fromEntries((taskRun.status?.results ?? []).map(({ name, value }) => [name, value]));
}
