import { hasCode, SubpipeError } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { pipelineRuns, taskRuns } from '../kube/resource.ts';
import { watch } from '../kube/watch.ts';
import { pause } from '../retry.ts';
import { labels, type PipelineRun, succeeded, type TaskRun } from '../tekton/types.ts';
import { deleted, type Outcome, outcomeOf } from './outcome.ts';

/** A run to follow. */
export interface RunRef {
  namespace: string;
  name: string;
}

/** How long an open watch may be without its run before a request asks whether there is one. */
const absenceMs = 2000;

/**
 * Follows a PipelineRun to its end with one watch and no polling.
 *
 * @param known The run as create or get returned it: the watch goes on from its version.
 * @param onUpdate Called with every state, the last one included.
 * @throws SubpipeError `NOT_FOUND` where there is no such run; the signal's reason when aborted.
 */
export async function follow(
  kube: KubeClient,
  { namespace, name }: RunRef,
  options: { known?: PipelineRun; signal: AbortSignal; onUpdate?: (run: PipelineRun) => void },
): Promise<Outcome> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const { known } = options;
  const first = known === undefined ? undefined : settle(known, options.onUpdate);
  if (first !== undefined) return first;
  let seen = known !== undefined;
  let missing: unknown;
  let asked = seen;
  // A watch for a name that nobody has stays silent. Only then is it worth a request to tell "not yet seen" from "not there".
  const askOnce = (): void => {
    if (asked) return;
    asked = true;
    void (async () => {
      await pause(absenceMs, signal);
      if (!seen) await kube.get(pipelineRuns, namespace, name, signal);
    })().catch((error: unknown) => {
      if (signal.aborted) return;
      missing = error;
      stop.abort();
    });
  };
  try {
    const events = watch<PipelineRun>(kube, pipelineRuns, namespace, {
      fieldSelector: `metadata.name=${name}`,
      resourceVersion: known?.metadata.resourceVersion,
      ...(known === undefined ? {} : { known: [known] }),
      onOpen: askOnce,
      signal,
    });
    for await (const { type, object } of events) {
      seen = true;
      const outcome = settle(object, options.onUpdate);
      if (outcome !== undefined) return outcome;
      if (type === 'DELETED') return deleted;
    }
  } finally {
    stop.abort();
  }
  if (missing !== undefined) throw missingError(missing, namespace, name);
  throw options.signal.reason;
}

function settle(run: PipelineRun, onUpdate: ((run: PipelineRun) => void) | undefined): Outcome | undefined {
  onUpdate?.(run);
  return outcomeOf(run);
}

function missingError(cause: unknown, namespace: string, name: string): unknown {
  if (!hasCode(cause, 'NOT_FOUND')) return cause;
  return new SubpipeError('NOT_FOUND', `there is no PipelineRun ${name} in namespace ${namespace}`);
}

/** The pipeline tasks of a run that failed, timed out or were cancelled, by name. One request. */
export async function failedTasks(
  kube: KubeClient,
  { namespace, name }: RunRef,
  signal?: AbortSignal,
): Promise<string[]> {
  const { items } = await kube.list<TaskRun>(
    taskRuns,
    namespace,
    { labelSelector: `${labels.pipelineRun}=${name}` },
    signal,
  );
  const failed = items.filter((run) => succeeded(run)?.status === 'False');
  return [...new Set(failed.map((run) => run.metadata.labels?.[labels.pipelineTask] ?? run.metadata.name))].sort();
}
