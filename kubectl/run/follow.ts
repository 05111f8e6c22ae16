import type { LogMode } from '../../runtime/call/logs.ts';
import { deleted, type Outcome } from '../../runtime/call/outcome.ts';
import { Supervisor } from '../../runtime/call/supervisor.ts';
import type { KubeClient } from '../../runtime/kube/client.ts';
import type { PipelineRun } from '../../runtime/tekton/types.ts';
import type { Output } from '../output.ts';
import { followLog } from './log.ts';
import { changesOf, renderTree } from './render.ts';
import { Screen } from './screen.ts';
import type { State } from './state.ts';
import { summaryOf } from './summary.ts';
import type { RunNode } from './tree.ts';
import { TreeWatch } from './watch-tree.ts';

export interface FollowOptions {
  kube: KubeClient;
  /** As create returned it. */
  run: PipelineRun;
  /** What it is called in the prefixes of log lines. */
  title: string;
  logs: LogMode;
  out: Output;
  colour: boolean;
  signal: AbortSignal;
}

/**
 * Shows a run until it has ended: the logs of the whole tree, the tree itself (in place on a terminal, its changes line by
 * line in a log), and at the end the tree and a table of all runs.
 *
 * @throws SubpipeError `ABORTED` when `signal` aborts: the run goes on.
 */
export async function followRun(options: FollowOptions): Promise<{ outcome: Outcome; runs: RunNode[] }> {
  const { kube, run, title, logs, out, colour, signal } = options;
  const states = new Map<string, State>();
  const changed = (): void => {
    if (out.isTTY) screen.refresh();
    else for (const line of changesOf(watching.tree.root(), states)) screen.write(`${line}\n`);
  };
  const draw = (): string[] => {
    const rows = (out.rows ?? 24) - 2;
    const whole = renderTree(watching.tree.root(), { colour });
    const lines = whole.length <= rows ? whole : renderTree(watching.tree.root(), { colour, folded: true });
    return lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more lines`];
  };
  // The tree is there before the first change is told.
  let ready = false;
  const watching = new TreeWatch(kube, run, title, { signal, onChange: () => ready && changed() });
  const screen = new Screen(out, draw);
  ready = true;
  changed();
  const supervisor = new Supervisor({
    kube,
    log: followLog((line) => screen.write(line)),
    caller: undefined,
    logs,
    signal,
  });
  const ref = { namespace: run.metadata.namespace ?? '', name: run.metadata.name };
  let outcome: Outcome = deleted;
  try {
    outcome = await supervisor.follow(ref, title, run);
  } finally {
    await supervisor.close();
    await watching.close();
    screen.close();
    if (!out.isTTY) for (const line of changesOf(watching.tree.root(), states)) out.write(`${line}\n`);
    const lines = renderTree(watching.tree.root(), { colour });
    out.write(`\n${[...lines, '', ...summaryOf(watching.tree.runs())].join('\n')}\n`);
  }
  return { outcome, runs: watching.tree.runs() };
}
