import { SubpipeError } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Log } from '../log.ts';
import type { PipelineRun } from '../tekton/types.ts';
import type { CallerName } from './caller.ts';
import { Children, type Order } from './children.ts';
import { follow, type RunRef } from './follow.ts';
import { ordersOf, whyStopped } from './guard.ts';
import { type LogMode, RunLogs } from './logs.ts';
import type { Outcome } from './outcome.ts';
import { TaskRunWatches } from './task-runs.ts';

export interface SupervisorOptions {
  kube: KubeClient;
  log: Log;
  /** Unset on a laptop: then nobody gives orders, and Ctrl-C leaves the children running. */
  caller: CallerName | undefined;
  /** The version of the caller's PipelineRun (or TaskRun) that is known already. */
  callerVersion?: string | undefined;
  logs: LogMode;
  /** SIGTERM and SIGINT of this process. */
  signal: AbortSignal;
  /** Ms after a stop that are spent on seeing the children end, default 25,000: a stopped pod has 30 s. */
  graceMs?: number;
}

/**
 * Follows children to their end and passes on to them what happens to the caller: cancelled, stopped, timed out, deleted.
 * When this pod is stopped for another reason, the children go on for the next try to adopt.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children: Children;
  readonly #watches: TaskRunWatches;
  readonly #work = new AbortController();
  readonly #closed = new AbortController();
  readonly #watching: Promise<void>;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#children = new Children(options.kube, options.log);
    this.#watches = new TaskRunWatches(options.kube, this.#work.signal);
    this.#watching = options.caller === undefined ? Promise.resolve() : this.#obey(options.caller);
    const { signal } = options;
    if (signal.aborted) void this.#stopped();
    else signal.addEventListener('abort', () => void this.#stopped(), { once: true, signal: this.#closed.signal });
  }

  /** For every request of the work: outlives the process's SIGTERM by the time that the children need to end. */
  get signal(): AbortSignal {
    return this.#work.signal;
  }

  /** What the children were told, if anything. With an order no new child is made. */
  get order(): Order | undefined {
    return this.#children.order;
  }

  /** Tells all children, as if the caller had been told. */
  pass(order: Order): void {
    this.#children.pass(order);
  }

  /**
   * Follows one child, its logs under `prefix`.
   * @throws SubpipeError `NOT_FOUND` where it does not exist, `ABORTED` when this process is stopped before its end.
   */
  async follow(run: RunRef, prefix: string, known?: PipelineRun): Promise<Outcome> {
    const { kube, log, logs: mode } = this.#options;
    this.#children.add(run);
    const logs = new RunLogs({ kube, watches: this.#watches, log, run, prefix, mode, signal: this.#work.signal });
    try {
      return await follow(kube, run, {
        ...(known === undefined ? {} : { known }),
        signal: this.#work.signal,
        onUpdate: (state) => logs.update(state),
      });
    } finally {
      this.#children.ended(run);
      await logs.finish();
    }
  }

  /** Ends the watch of the caller, and of children that nobody waits for any more. Call it when all is done. */
  async close(): Promise<void> {
    await this.#children.delivered();
    this.#closed.abort();
    this.#work.abort(new SubpipeError('ABORTED', 'no longer waiting'));
    await this.#watching;
  }

  async #obey(caller: CallerName): Promise<void> {
    const { kube, log, callerVersion } = this.#options;
    for await (const order of ordersOf(kube, caller, {
      resourceVersion: callerVersion,
      signal: this.#closed.signal,
      log,
    })) {
      this.#children.pass(order);
    }
  }

  async #stopped(): Promise<void> {
    const { caller, kube, log, signal } = this.#options;
    const cause: unknown = signal.reason;
    const left = (): string =>
      this.#children
        .running()
        .map(({ name }) => name)
        .join(', ') || 'nothing';
    if (caller === undefined) {
      this.#work.abort(new SubpipeError('ABORTED', `no longer waiting; still running: ${left()}`, { cause }));
      return;
    }
    const deadline = setTimeout(() => {
      this.#work.abort(new SubpipeError('ABORTED', `the grace period is over; not seen ended: ${left()}`, { cause }));
    }, this.#options.graceMs ?? 25_000);
    this.#closed.signal.addEventListener('abort', () => clearTimeout(deadline));
    if (this.order !== undefined && this.order !== 'StoppedRunFinally') return;
    try {
      const order = await whyStopped(kube, caller, AbortSignal.any([this.#work.signal, this.#closed.signal]));
      if (order !== undefined) {
        this.#children.pass(order);
        return;
      }
      log.warn(
        `this pod is stopped, but its TaskRun ${caller.taskRun} is not cancelled: ${left()} goes on, and the next try adopts it`,
      );
      this.#work.abort(new SubpipeError('ABORTED', `the pod was stopped while waiting for ${left()}`, { cause }));
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      this.#work.abort(
        new SubpipeError('ABORTED', `the pod was stopped, and why cannot be read; still running: ${left()}`, {
          cause: error,
        }),
      );
    }
  }
}
