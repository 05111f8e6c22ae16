import { SubpipeError } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { taskRuns } from '../kube/resource.ts';
import { linesOf } from '../lines.ts';
import type { Log } from '../log.ts';
import { pause } from '../retry.ts';
import { labels, type PipelineRun, succeeded, type TaskRun, type TaskRunStatus } from '../tekton/types.ts';
import { follow, type RunRef } from './follow.ts';
import type { TaskRunWatches } from './task-runs.ts';

/** Which logs of a run are shown: of all steps while they run, of failed tasks when the run has ended, or none. */
export const logModes = ['all', 'failed', 'none'] as const;
export type LogMode = (typeof logModes)[number];

/** When a run has ended, its last log lines are on their way already; a cancelled pod may stay for its grace period, silent. */
const drainMs = 3000;

/**
 * Shows the logs of a run's steps, each line under `PREFIX/TASK/STEP`, retries and native child pipelines included.
 * Live logs cost a watch that other runs share (TaskRunWatches), and one request a step.
 */
export class RunLogs {
  readonly #kube: KubeClient;
  readonly #watches: TaskRunWatches;
  readonly #log: Log;
  readonly #run: RunRef;
  readonly #prefix: string;
  readonly #mode: LogMode;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #streams = new Map<string, Promise<void>>();
  readonly #nested = new Map<string, RunLogs>();
  /** TaskRuns whose end the watch has told: all their steps are shown. */
  readonly #ended = new Set<string>();
  /** Those that the run says it has. Tekton names them before they can have a log; a run that names none has none. */
  #taskRuns: readonly string[] = [];
  #unwatch = (): void => undefined;

  constructor(options: {
    kube: KubeClient;
    watches: TaskRunWatches;
    log: Log;
    run: RunRef;
    prefix: string;
    mode: LogMode;
    signal: AbortSignal;
  }) {
    this.#kube = options.kube;
    this.#watches = options.watches;
    this.#log = options.log;
    this.#run = options.run;
    this.#prefix = options.prefix;
    this.#mode = options.mode;
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal]);
    if (this.#mode !== 'all') return;
    this.#unwatch = this.#watches.add(this.#run, {
      update: (taskRun) => this.#hear(taskRun),
      lost: (error) => this.#lost(error),
    });
  }

  /** Tells of a new state of the run: a Pipeline that runs inside of it natively is followed as well. */
  update(run: PipelineRun): void {
    if (this.#mode === 'none') return;
    const references = run.status?.childReferences ?? [];
    this.#taskRuns = references.filter(({ kind }) => kind === 'TaskRun').map(({ name }) => name);
    for (const { kind, name, pipelineTaskName } of references) {
      if (kind !== 'PipelineRun' || this.#nested.has(name)) continue;
      const ref = { namespace: this.#run.namespace, name };
      const prefix = `${this.#prefix}/${pipelineTaskName ?? name}`;
      const logs = new RunLogs({
        kube: this.#kube,
        watches: this.#watches,
        log: this.#log,
        run: ref,
        prefix,
        mode: this.#mode,
        signal: this.#signal,
      });
      this.#nested.set(name, logs);
      void follow(this.#kube, ref, { signal: this.#signal, onUpdate: (child) => logs.update(child) }).catch(
        (error: unknown) => this.#lost(error),
      );
    }
  }

  /** Call it when the run has ended: shows what is still missing and resolves when the last line is out. */
  async finish(): Promise<void> {
    if (this.#mode === 'none') return;
    try {
      if (!this.#complete()) await this.#openRest();
      const drained = Promise.all([
        ...this.#streams.values(),
        ...[...this.#nested.values()].map((logs) => logs.finish()),
      ]);
      await Promise.race([drained, pause(drainMs, this.#signal)]);
    } catch (error) {
      this.#lost(error);
    } finally {
      this.#unwatch();
      this.#stop.abort();
    }
  }

  /** Whether there is nothing that a list would tell: the watch has told the end of all TaskRuns. */
  #complete(): boolean {
    return this.#taskRuns.every((name) => this.#ended.has(name));
  }

  async #openRest(): Promise<void> {
    const selector = { labelSelector: `${labels.pipelineRun}=${this.#run.name}` };
    const { items } = await this.#kube.list<TaskRun>(taskRuns, this.#run.namespace, selector, this.#signal);
    for (const run of items) {
      if (this.#mode === 'all' || succeeded(run)?.status === 'False') this.#open(run);
    }
  }

  #hear(taskRun: TaskRun): void {
    this.#open(taskRun);
    // Between two tries it has a completionTime already.
    const ended = taskRun.status?.completionTime !== undefined && succeeded(taskRun)?.status !== 'Unknown';
    if (ended) this.#ended.add(taskRun.metadata.name);
  }

  /** Opens the log of every step that has one and is not shown yet. */
  #open(run: TaskRun): void {
    const task = run.metadata.labels?.[labels.pipelineTask] ?? run.metadata.name;
    const tries = [...(run.status?.retriesStatus ?? []), run.status].filter((status) => status !== undefined);
    for (const [index, status] of tries.entries()) {
      const name = `${this.#prefix}/${task}${index === 0 ? '' : ` (retry ${index})`}`;
      this.#openTry(status, name);
    }
  }

  #openTry(status: TaskRunStatus, name: string): void {
    const pod = status.podName;
    if (pod === undefined || pod === '') return;
    const ended = status.completionTime !== undefined;
    for (const step of status.steps ?? []) {
      const container = step.container ?? `step-${step.name}`;
      const key = `${pod}/${container}`;
      if ((step.running === undefined && step.terminated === undefined) || this.#streams.has(key)) continue;
      // Followed even where the step is said to have ended: at the start of a retry the status still is the last try's.
      const stream = this.#stream(pod, container, !ended, `${name}/${step.name ?? container}`);
      this.#streams.set(
        key,
        stream.catch((error: unknown) => this.#lost(error, `${name}/${step.name}`)),
      );
    }
  }

  /** One container's log. A stream that breaks goes on from its last line. */
  async #stream(pod: string, container: string, live: boolean, prefix: string): Promise<void> {
    let last = '';
    for (let failures = 0; !this.#signal.aborted; failures++) {
      let broken: unknown;
      const shown = last;
      try {
        const body = await this.#kube.podLog(
          this.#run.namespace,
          pod,
          { container, follow: live, timestamps: true, ...(last === '' ? {} : { sinceTime: last }) },
          this.#signal,
        );
        for await (const line of linesOf(body)) {
          const space = line.indexOf(' ');
          const time = space < 0 ? line : line.slice(0, space);
          // sinceTime has whole seconds only: what was shown already comes again.
          if (shown !== '' && time <= shown) continue;
          last = time;
          this.#log.line(prefix, space < 0 ? '' : line.slice(space + 1));
        }
      } catch (error) {
        // The kubelet refuses for a moment while a container starts, and connections break; a pod that is gone stays gone.
        if (error instanceof SubpipeError && error.code !== 'INVALID') throw error;
        broken = error;
      }
      if (broken === undefined) return;
      if (!live && failures > 10) throw broken;
      await pause(Math.min(250 * 2 ** failures, 4000), this.#signal);
    }
  }

  /** Logs are shown as a service: that they cannot be had must not end the wait, but is said. */
  #lost(error: unknown, of = this.#prefix): void {
    if (this.#signal.aborted) return;
    const reason =
      error instanceof SubpipeError && error.cause !== undefined
        ? `${error.message}: ${String(error.cause)}`
        : String(error);
    this.#log.warn(`the log of ${of} cannot be shown: ${reason}`);
  }
}
