import { formatDuration } from '../../runtime/duration.ts';
import { succeeded } from '../../runtime/tekton/types.ts';
import { titleOf } from './render.ts';
import type { RunNode } from './tree.ts';

/** A table with one row for each run, and what the first one returned. */
export function summaryOf(runs: readonly RunNode[]): string[] {
  const rows = runs.map(({ run, path, state, ms, tasks }) => {
    const done = tasks.filter((task) => task.state === 'succeeded').length;
    const counted = tasks.filter((task) => task.state !== 'skipped').length;
    const skipped = tasks.length - counted;
    return [
      path,
      titleOf(run) ?? '',
      run.metadata.name,
      state,
      `${done} of ${counted}${skipped === 0 ? '' : `, ${skipped} skipped`}`,
      ms === undefined ? '' : formatDuration(ms),
    ];
  });
  const table = columns([['RUN', 'PIPELINE', 'PIPELINERUN', 'STATUS', 'TASKS', 'DURATION'], ...rows]);
  return [...table, ...failuresOf(runs), ...resultsOf(runs[0])];
}

/** Why runs did not succeed, as Tekton says it. */
function failuresOf(runs: readonly RunNode[]): string[] {
  return runs.flatMap(({ run }) => {
    const condition = succeeded(run);
    if (condition?.status !== 'False' || condition.message === undefined) return [];
    return [`${run.metadata.name}: ${condition.reason}: ${condition.message}`];
  });
}

function resultsOf(root: RunNode | undefined): string[] {
  const results = root?.run.status?.results ?? [];
  if (results.length === 0) return [];
  const rows = results.map(({ name, value }) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
  return ['', ...columns([['RESULT', 'VALUE'], ...rows])];
}

function columns(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
