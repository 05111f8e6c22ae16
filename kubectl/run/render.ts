import { formatDuration } from '../../runtime/duration.ts';
import { type State, symbolOf, symbols } from './state.ts';
import type { RunNode, TaskNode } from './tree.ts';

interface Line {
  indent: string;
  state: State;
  label: string;
  ms: number | undefined;
  note: string;
}

/** The tree as lines: a symbol, the name, the state and how long it took. */
export function renderTree(root: RunNode, options: { colour?: boolean; folded?: boolean } = {}): string[] {
  const lines = runLines(root, '', '', options.folded === true);
  const width = Math.max(...lines.map(({ indent, label }) => indent.length + label.length)) + 2;
  return lines.map(({ indent, state, label, ms, note }) => {
    const gap = ' '.repeat(width - indent.length - label.length);
    const time = ms === undefined || state === 'waiting' ? '' : formatDuration(ms).padStart(7);
    return `${indent}${symbolOf(state, options.colour === true)} ${label}${gap}${state.padEnd(9)}${time}${note}`.trimEnd();
  });
}

function runLines({ run, state, ms, tasks }: RunNode, first: string, rest: string, folded: boolean): Line[] {
  const title = titleOf(run);
  const own: Line = {
    indent: first,
    state,
    label: title === undefined ? run.metadata.name : `${run.metadata.name} (${title})`,
    ms,
    note: '',
  };
  // On a terminal that is too small, what has ended well says all in one line.
  if (folded && state === 'succeeded') return [own];
  const below = tasks.flatMap((task, index) => {
    const last = index === tasks.length - 1;
    return taskLines(task, `${rest}${last ? '└─ ' : '├─ '}`, `${rest}${last ? '   ' : '│  '}`, folded);
  });
  return [own, ...below];
}

function taskLines(
  { name, state, ms, retries, calls }: TaskNode,
  first: string,
  rest: string,
  folded: boolean,
): Line[] {
  const note = retries === 0 ? '' : `  ${retries === 1 ? '1 retry' : `${retries} retries`}`;
  const below = calls.flatMap((call, index) => {
    const last = index === calls.length - 1;
    return runLines(call, `${rest}${last ? '└─ ' : '├─ '}`, `${rest}${last ? '   ' : '│  '}`, folded);
  });
  return [{ indent: first, state, label: name, ms, note }, ...below];
}

/** The Pipeline of a run, where it has a name. */
export function titleOf(run: RunNode['run']): string | undefined {
  const ref = run.spec.pipelineRef?.name ?? run.metadata.labels?.['tekton.dev/pipeline'];
  // Tekton labels a run that holds its own Pipeline with the run's name.
  return ref === '' || ref === run.metadata.name ? undefined : ref;
}

/** What has changed since `before`, one line each, for a log; `before` is brought up to date. */
export function changesOf(root: RunNode, before: Map<string, State>): string[] {
  const lines: string[] = [];
  const tell = (key: string, path: string, state: State, ms: number | undefined): void => {
    if (before.get(key) === state) return;
    before.set(key, state);
    if (state === 'waiting') return;
    const took = state === 'running' || ms === undefined ? '' : ` in ${formatDuration(ms)}`;
    lines.push(`${symbols[state]} ${path} ${state}${took}`);
  };
  const visit = (node: RunNode): void => {
    const key = `${node.run.metadata.namespace}/${node.run.metadata.name}`;
    const started = node.state !== 'waiting' && node.state !== 'running';
    const own = (): void => tell(key, `${node.path}: PipelineRun ${node.run.metadata.name}`, node.state, node.ms);
    // A run begins before its tasks and ends after them.
    if (!started) own();
    for (const task of node.tasks) {
      const ended = task.state !== 'waiting' && task.state !== 'running';
      if (!ended) tell(`${key}/${task.name}`, task.path, task.state, task.ms);
      for (const call of task.calls) visit(call);
      if (ended) tell(`${key}/${task.name}`, task.path, task.state, task.ms);
    }
    if (started) own();
  };
  visit(root);
  return lines;
}
