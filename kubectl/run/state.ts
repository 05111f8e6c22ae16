import { outcomeOf } from '../../runtime/call/outcome.ts';
import { type PipelineRun, succeeded, type TaskRunStatus } from '../../runtime/tekton/types.ts';

/** How a run or a task stands, in words for people. */
export type State = 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'timed out' | 'skipped';

export const symbols: Record<State, string> = {
  waiting: '○',
  running: '●',
  succeeded: '✓',
  failed: '✗',
  cancelled: '⊘',
  'timed out': '✗',
  skipped: '–',
};

const colours: Record<State, number> = {
  waiting: 90,
  running: 36,
  succeeded: 32,
  failed: 31,
  cancelled: 33,
  'timed out': 31,
  skipped: 90,
};

/** The symbol of a state, for a terminal in its colour. */
export function symbolOf(state: State, colour: boolean): string {
  return colour ? `\x1b[${colours[state]}m${symbols[state]}\x1b[0m` : symbols[state];
}

export function stateOfRun(run: PipelineRun): State {
  const outcome = outcomeOf(run);
  if (outcome === undefined) return run.status?.startTime === undefined ? 'waiting' : 'running';
  const states = { Succeeded: 'succeeded', Failed: 'failed', Cancelled: 'cancelled', TimedOut: 'timed out' } as const;
  return states[outcome.status];
}

export function stateOfTask(status: TaskRunStatus | undefined): State {
  const condition = succeeded({ ...(status === undefined ? {} : { status }) });
  if (condition?.status === 'True') return 'succeeded';
  if (condition?.status !== 'False') return status?.startTime === undefined ? 'waiting' : 'running';
  if (condition.reason === 'TaskRunCancelled') return 'cancelled';
  return condition.reason === 'TaskRunTimeout' ? 'timed out' : 'failed';
}

/** From start to end, or to now, in whole seconds. */
export function elapsed(start: string | undefined, end: string | undefined, now = Date.now()): number | undefined {
  return start === undefined ? undefined : Math.max(0, (end === undefined ? now : Date.parse(end)) - Date.parse(start));
}
