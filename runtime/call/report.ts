import { SubpipeError } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Log } from '../log.ts';
import { arrayResult, textResult } from '../results.ts';
import type { ParamValue } from '../tekton/types.ts';
import { failedTasks, type RunRef } from './follow.ts';
import { type Outcome, worst } from './outcome.ts';

/** The results of a step that waits. */
export const outcomeResults = {
  status: textResult('Succeeded, Failed, TimedOut or Cancelled: the worst of all runs.'),
  reason: textResult("Tekton's reason for it, such as Completed or PipelineRunTimeout."),
  runs: arrayResult('Names of all PipelineRuns.'),
  results: textResult('What the runs returned, as JSON: {result: value}, or {name: {result: value}} for several.'),
  statuses: textResult('The status of each, as JSON: {name: status}.'),
  failedTasks: arrayResult('The tasks that failed, each as run/task.'),
};

/** One run that has ended, under the name that results go by. */
export interface EndedRun {
  name: string;
  ref: RunRef | undefined;
  outcome: Outcome;
}

/** The values of {@link outcomeResults}. `several` says whether results are told apart by name. */
export async function outcomeReport(
  kube: KubeClient,
  log: Log,
  ended: readonly EndedRun[],
  several: boolean,
): Promise<{
  status: string;
  reason: string;
  runs: string[];
  results: string;
  statuses: string;
  failedTasks: string[];
}> {
  const bad = worst(ended.map(({ outcome }) => outcome));
  const results: Record<string, unknown> = several
    ? Object.fromEntries(ended.map(({ name, outcome }) => [name, outcome.results]))
    : ((ended[0]?.outcome.results ?? {}) satisfies Record<string, ParamValue>);
  const failed = ended.filter(({ ref, outcome }) => ref !== undefined && outcome.status !== 'Succeeded');
  return {
    status: bad.status,
    reason: bad.reason,
    runs: ended.flatMap(({ ref }) => (ref === undefined ? [] : [ref.name])),
    results: JSON.stringify(results),
    statuses: JSON.stringify(Object.fromEntries(ended.map(({ name, outcome }) => [name, outcome.status]))),
    failedTasks: (await Promise.all(failed.map((one) => tasksOf(kube, log, one)))).flat(),
  };
}

/** Which tasks failed is a help, not the answer: a step whose rights do not reach so far says so and goes on. */
async function tasksOf(kube: KubeClient, log: Log, { ref }: EndedRun): Promise<string[]> {
  if (ref === undefined) return [];
  try {
    return (await failedTasks(kube, ref, AbortSignal.timeout(5000))).map((task) => `${ref.name}/${task}`);
  } catch (error) {
    if (!(error instanceof SubpipeError)) throw error;
    log.warn(`the failed tasks of ${ref.name} cannot be listed: ${error.message}`);
    return [];
  }
}
