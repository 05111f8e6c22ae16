import { callerUidLabel, callLabel } from '../../runtime/call/child.ts';
import { labels, type PipelineRun, type TaskRun } from '../../runtime/tekton/types.ts';
import { elapsed, type State, stateOfRun, stateOfTask } from './state.ts';

/** A PipelineRun of the tree. */
export interface RunNode {
  run: PipelineRun;
  /** The names from the root to it, as log prefixes have them: `main/tests`. */
  path: string;
  state: State;
  ms: number | undefined;
  tasks: TaskNode[];
}

/** A task of a run, with the runs that it has called. */
export interface TaskNode {
  name: string;
  path: string;
  state: State;
  ms: number | undefined;
  /** How often it was tried again. */
  retries: number;
  calls: RunNode[];
}

/** All runs and TaskRuns that are known, and the tree that they make: a child names the TaskRun that has called it. */
export class RunTree {
  readonly #root: string;
  readonly #title: string;
  readonly #runs = new Map<string, PipelineRun>();
  readonly #taskRuns = new Map<string, TaskRun>();

  /** @param title What the root is called in paths. */
  constructor(root: PipelineRun, title: string) {
    this.#root = root.metadata.uid ?? '';
    this.#title = title;
    this.putRun(root);
  }

  putRun(run: PipelineRun): void {
    this.#runs.set(run.metadata.uid ?? '', run);
  }

  putTaskRun(run: TaskRun): void {
    this.#taskRuns.set(run.metadata.uid ?? '', run);
  }

  /** The tree as it stands. */
  root(now = Date.now()): RunNode {
    const run = this.#runs.get(this.#root);
    if (run === undefined) throw new TypeError('the root is put in when the tree is made');
    return this.#runNode(run, this.#title, now);
  }

  /** The root and all that was called below it, each before its own calls. */
  runs(): RunNode[] {
    const all = (node: RunNode): RunNode[] => [node, ...node.tasks.flatMap(({ calls }) => calls.flatMap(all))];
    return all(this.root());
  }

  #runNode(run: PipelineRun, path: string, now: number): RunNode {
    const ms = elapsed(run.status?.startTime, run.status?.completionTime, now);
    return { run, path, state: stateOfRun(run), ms, tasks: this.#tasks(run, path, now) };
  }

  /** In the order of the Pipeline, those that have not begun included; a matrix gives several of one name. */
  #tasks(run: PipelineRun, path: string, now: number): TaskNode[] {
    const { pipelineSpec, skippedTasks = [] } = run.status ?? {};
    const own = [...this.#taskRuns.values()].filter(
      ({ metadata }) =>
        metadata.labels?.[labels.pipelineRun] === run.metadata.name && metadata.namespace === run.metadata.namespace,
    );
    const names = [...(pipelineSpec?.tasks ?? []), ...(pipelineSpec?.finally ?? [])].map(({ name }) => name);
    return [...new Set(names)].flatMap((name) => {
      const taskRuns = own
        .filter(({ metadata }) => metadata.labels?.[labels.pipelineTask] === name)
        .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
      if (taskRuns.length > 0) {
        return taskRuns.map((one, index) =>
          this.#taskNode(one, taskRuns.length === 1 ? name : `${name}[${index}]`, path, now),
        );
      }
      const over = run.status?.completionTime !== undefined || skippedTasks.some((skipped) => skipped.name === name);
      const state = over ? 'skipped' : 'waiting';
      return [{ name, path: `${path}/${name}`, state, ms: undefined, retries: 0, calls: [] } satisfies TaskNode];
    });
  }

  #taskNode(taskRun: TaskRun, name: string, above: string, now: number): TaskNode {
    const path = `${above}/${name}`;
    const called = [...this.#runs.values()]
      .filter(({ metadata }) => metadata.labels?.[callerUidLabel] === taskRun.metadata.uid)
      .sort((a, b) => orderOf(a).localeCompare(orderOf(b)));
    const { status } = taskRun;
    return {
      name,
      path,
      state: stateOfTask(status),
      ms: elapsed(status?.startTime, status?.completionTime, now),
      retries: status?.retriesStatus?.length ?? 0,
      calls: called.map((run) => {
        const call = run.metadata.labels?.[callLabel];
        const task = taskRun.metadata.labels?.[labels.pipelineTask];
        return this.#runNode(run, call === undefined || call === task ? path : `${path}/${call}`, now);
      }),
    };
  }
}

function orderOf({ metadata }: PipelineRun): string {
  return `${metadata.creationTimestamp ?? ''} ${metadata.name}`;
}
