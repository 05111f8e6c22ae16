import { type Condition, type ParamValue, type PipelineRun, succeeded } from '../tekton/types.ts';

/** How a run ended, as Tekton names it in `$(tasks.NAME.status)`, with cancellation and timeouts told apart. */
export type RunStatus = 'Succeeded' | 'Failed' | 'Cancelled' | 'TimedOut';

export interface Outcome {
  status: RunStatus;
  /** Tekton's own reason: `Succeeded`, `Completed`, `Failed`, `CouldntGetPipeline`, `PipelineRunTimeout`, … */
  reason: string;
  message: string;
  results: Record<string, ParamValue>;
}

/** The outcome of a run that has ended; `undefined` while it goes on. */
export function outcomeOf(run: PipelineRun): Outcome | undefined {
  const condition = succeeded(run);
  if (condition === undefined || condition.status === 'Unknown') return undefined;
  return {
    status: statusOf(condition),
    reason: condition.reason ?? condition.status,
    message: condition.message ?? '',
    results: Object.fromEntries((run.status?.results ?? []).map(({ name, value }) => [name, value])),
  };
}

/** A run that was deleted before it ended, by whomever. */
export const deleted: Outcome = {
  status: 'Cancelled',
  reason: 'Deleted',
  message: 'the PipelineRun was deleted before it ended',
  results: {},
};

function statusOf({ status, reason }: Condition): RunStatus {
  if (status === 'True') return 'Succeeded';
  // Also how CancelledRunFinally and StoppedRunFinally end.
  if (reason === 'Cancelled') return 'Cancelled';
  if (reason === 'PipelineRunTimeout') return 'TimedOut';
  return 'Failed';
}

const badness: readonly RunStatus[] = ['Succeeded', 'Cancelled', 'TimedOut', 'Failed'];

/** The worst of several: Failed, then TimedOut, then Cancelled. `Succeeded` where there are none. */
export function worst(outcomes: readonly Outcome[]): Outcome {
  const none: Outcome = { status: 'Succeeded', reason: 'Completed', message: '', results: {} };
  return outcomes.reduce(
    (bad, next) => (badness.indexOf(next.status) > badness.indexOf(bad.status) ? next : bad),
    outcomes[0] ?? none,
  );
}
