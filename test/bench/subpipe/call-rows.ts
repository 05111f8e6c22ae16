import { type Judge, type Row, row, type Samples } from '../row.ts';
import { pairwise } from '../statistics.ts';
import { type Variant, variants } from './variants.ts';

const better: [string, Judge] = ['ratio below 1', ({ ratio }) => ratio < 1];

/** The rows about calls, of what was measured: a variant that failed takes its rows with it. */
export function callRows(times: ReadonlyMap<Variant, readonly number[]>): Row[] {
  const have = (...names: Variant[]): boolean => names.every((name) => (times.get(name) ?? []).length > 0);
  const of = (name: Variant): Samples => ({ name: variants[name], values: times.get(name) ?? [] });
  const rows: Row[] = [];
  if (have('call', 'no-op', 'child')) {
    const both = pairwise(of('no-op').values, of('child').values, (one, other) => one + other);
    rows.push(
      row('one call through the Task subpipe', 's', of('call'), {
        peer: { name: 'a no-op TaskRun, then the child alone', values: both },
        goal: ['ratio at most 1.05', ({ ratio }) => ratio <= 1.05],
      }),
    );
  }
  if (have('step-action', 'no-op', 'child')) {
    const added = pairwise(of('step-action').values, of('no-op').values, (one, other) => one - other);
    rows.push(
      row(
        'what a call as a StepAction adds to a Task that is there anyway',
        's',
        { name: 'added', values: added },
        {
          peer: of('child'),
          goal: ['the child alone + 0.5 s', ({ ours, peer }) => ours <= peer + 0.5],
        },
      ),
    );
  }
  const compare = (what: string, ours: Variant, peer: Variant, goal?: [string, Judge]): void => {
    if (have(ours, peer))
      rows.push(row(what, 's', of(ours), { peer: of(peer), ...(goal === undefined ? {} : { goal }) }));
  };
  compare('five calls from one Task', 'five', 'five-tasks', better);
  compare('one call, against a step that does the same with kubectl', 'call', 'kubectl-wait', better);
  compare("one call, against the seed's way", 'call', 'kubectl-poll', better);
  compare('one call, against native pipelines-in-pipelines', 'call', 'native');
  return rows;
}
