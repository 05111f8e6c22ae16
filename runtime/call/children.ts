import { explain, hasCode } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { pipelineRuns } from '../kube/resource.ts';
import type { Log } from '../log.ts';
import type { RunRef } from './follow.ts';

/** What happened to the caller, and so happens to its children: Tekton's own words, `Deleted` and `TimedOut` beside them. */
export type Order = 'Cancelled' | 'CancelledRunFinally' | 'StoppedRunFinally' | 'Deleted' | 'TimedOut';

/** From mild to strict: a later order is passed on only when it is stricter. */
const strictness: readonly Order[] = ['StoppedRunFinally', 'CancelledRunFinally', 'Cancelled', 'TimedOut', 'Deleted'];

/** The children that run now. An order reaches all of them, and those that are added after it. */
export class Children {
  readonly #kube: KubeClient;
  readonly #log: Log;
  readonly #running = new Map<string, RunRef>();
  readonly #sent = new Set<Promise<void>>();
  #order: Order | undefined;

  constructor(kube: KubeClient, log: Log) {
    this.#kube = kube;
    this.#log = log;
  }

  /** The strictest order so far: with one, no new child is to be made. */
  get order(): Order | undefined {
    return this.#order;
  }

  add(run: RunRef): void {
    this.#running.set(keyOf(run), run);
    if (this.#order !== undefined) this.#send(run, this.#order);
  }

  ended(run: RunRef): void {
    this.#running.delete(keyOf(run));
  }

  /** Passes an order on at once. */
  pass(order: Order): void {
    if (this.#order !== undefined && strictness.indexOf(order) <= strictness.indexOf(this.#order)) return;
    this.#order = order;
    for (const run of this.#running.values()) this.#send(run, order);
  }

  /** Those that still run, for a last word. */
  running(): RunRef[] {
    return [...this.#running.values()];
  }

  /** Resolves when every order has reached the API server, or has failed with a warning. */
  async delivered(): Promise<void> {
    await Promise.all(this.#sent);
  }

  #send(run: RunRef, order: Order): void {
    const sent = this.#tell(run, order).catch((error: unknown) => {
      // A run that has ended takes no order and needs none.
      if (hasCode(error, 'NOT_FOUND') || !this.#running.has(keyOf(run))) return;
      this.#log.warn(`${run.name} could not be told ${order}: ${explain(error)}`);
    });
    this.#sent.add(sent);
    void sent.finally(() => this.#sent.delete(sent));
  }

  async #tell(run: RunRef, order: Order): Promise<void> {
    if (order === 'Deleted') {
      await this.#kube.delete(pipelineRuns, run.namespace, run.name);
      this.#log.info(`${run.name} is deleted, because its caller was`);
      return;
    }
    const status = order === 'TimedOut' ? 'Cancelled' : order;
    await this.#kube.patch(pipelineRuns, run.namespace, run.name, { spec: { status } });
    const why = order === 'TimedOut' ? 'because its caller timed out' : 'as its caller was';
    this.#log.info(`${run.name} is set to ${status}, ${why}`);
  }
}

function keyOf({ namespace, name }: RunRef): string {
  return `${namespace}/${name}`;
}
