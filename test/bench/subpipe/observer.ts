import type { KubeClient } from '../../../runtime/kube/client.ts';
import { type KubeObject, pipelineRuns, pods, type Resource, taskRuns } from '../../../runtime/kube/resource.ts';
import { watch } from '../../../runtime/kube/watch.ts';
import { type PipelineRun, succeeded, type TaskRun } from '../../../runtime/tekton/types.ts';

/** When the observer was told of it, by `performance.now()`. */
export interface Sightings {
  object: KubeObject;
  seen: number;
  /** A pod's first step runs. */
  started: number | undefined;
  /** A run's condition Succeeded is no longer Unknown. */
  ended: number | undefined;
}

interface Pod extends KubeObject {
  status?: { containerStatuses?: { name: string; state?: { running?: unknown; terminated?: unknown } }[] };
}

/**
 * Watches a namespace beside everything that is measured, and notes when each event arrives: Tekton's own times have
 * whole seconds only.
 */
export class Observer implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #objects = new Map<string, Sightings>();
  readonly #wakers = new Set<() => void>();
  #failure: unknown;
  readonly #watching: Promise<unknown>;

  constructor(kube: KubeClient, namespace: string, signal: AbortSignal) {
    const until = AbortSignal.any([signal, this.#stop.signal]);
    const follow = async (resource: Resource): Promise<void> => {
      for await (const { object } of watch<KubeObject>(kube, resource, namespace, { signal: until })) {
        this.#note(resource.kind, object, performance.now());
      }
      this.#fail(until.reason);
    };
    this.#watching = Promise.all([pipelineRuns, taskRuns, pods].map(follow)).catch((error) => this.#fail(error));
  }

  /** Waits for the end of a run. @throws Error that says how it ended, where it did not succeed. */
  async ended(kind: 'PipelineRun' | 'TaskRun', name: string, ms = 180_000): Promise<number> {
    const found = await this.#until(`${kind}/${name}`, ms, ({ ended }) => ended !== undefined);
    const condition = succeeded(found.object as PipelineRun | TaskRun);
    if (condition?.status === 'True') return found.ended ?? Number.NaN;
    throw new Error(`the ${kind} ${name} ended as ${condition?.reason}: ${condition?.message}`);
  }

  /** Waits until Tekton has taken note of a run that it is not to start: until then it would write over its status. */
  async held(name: string): Promise<void> {
    await this.#until(`PipelineRun/${name}`, 60_000, ({ object }) => succeeded(object as PipelineRun) !== undefined);
  }

  /** What was seen so far of one kind, in the order it was first seen. */
  all(kind: string): Sightings[] {
    return [...this.#objects].flatMap(([key, value]) => (key.startsWith(`${kind}/`) ? [value] : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the observer was closed'));
    await this.#watching;
  }

  async #until(key: string, ms: number, test: (sightings: Sightings) => boolean): Promise<Sightings> {
    const late = performance.now() + ms;
    for (;;) {
      const found = this.#objects.get(key);
      if (found !== undefined && test(found)) return found;
      if (this.#failure !== undefined) throw this.#failure;
      if (performance.now() > late) throw new Error(`${key} was not as expected within ${ms / 1000} s`);
      await this.#change(1000);
    }
  }

  #note(kind: string, object: KubeObject, now: number): void {
    const key = `${kind}/${object.metadata.name}`;
    const known = this.#objects.get(key) ?? { object, seen: now, started: undefined, ended: undefined };
    known.object = object;
    if (kind === 'Pod') {
      const states = (object as Pod).status?.containerStatuses ?? [];
      if (states.some(({ state }) => state?.running !== undefined || state?.terminated !== undefined)) {
        known.started ??= now;
      }
    } else {
      const status = succeeded(object as PipelineRun | TaskRun)?.status;
      if (status === 'True' || status === 'False') known.ended ??= now;
    }
    this.#objects.set(key, known);
    this.#wake();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#wakers) wake();
  }

  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wakers.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wakers.add(done);
    });
  }
}
