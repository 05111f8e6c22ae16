import type { KubeClient } from '../kube/client.ts';
import { taskRuns } from '../kube/resource.ts';
import { watch } from '../kube/watch.ts';
import { pause } from '../retry.ts';
import { labels, type TaskRun } from '../tekton/types.ts';
import type { RunRef } from './follow.ts';

/** Who wants to hear of a run's TaskRuns. */
export interface TaskRunListener {
  /** Told of every state of every TaskRun, those that are there already first. */
  update(taskRun: TaskRun): void;
  /** Told that nothing more will come, where no retry heals what is wrong. */
  lost(error: unknown): void;
}

/** Runs that share one watch. It ends when none of them has a listener any more. */
interface Group {
  listeners: Map<string, Set<TaskRunListener>>;
  end: AbortController;
}

/** Runs that are added within this time share a watch. A TaskRun takes longer than that to have a log. */
const gatherMs = 100;

/** Characters of names in one selector: proxies refuse addresses of more than 8 KiB. */
const mostCharacters = 4096;

/**
 * The TaskRuns of many PipelineRuns by few requests: those that are added close together share one watch for each namespace.
 * A watch is never restarted for a run that comes later, so nothing that it tells is told twice.
 */
export class TaskRunWatches {
  readonly #kube: KubeClient;
  readonly #signal: AbortSignal;
  /** By namespace, the group that still gathers. */
  readonly #open = new Map<string, Group>();

  constructor(kube: KubeClient, signal: AbortSignal) {
    this.#kube = kube;
    this.#signal = signal;
  }

  /** Tells `listener` of the run's TaskRuns until the returned function is called. */
  add({ namespace, name }: RunRef, listener: TaskRunListener): () => void {
    const group = this.#gathering(namespace, name);
    const { listeners, end } = group;
    listeners.set(name, (listeners.get(name) ?? new Set()).add(listener));
    return () => {
      const own = listeners.get(name);
      own?.delete(listener);
      if (own?.size === 0) listeners.delete(name);
      if (listeners.size > 0) return;
      end.abort();
      if (this.#open.get(namespace) === group) this.#open.delete(namespace);
    };
  }

  #gathering(namespace: string, name: string): Group {
    const known = this.#open.get(namespace);
    if (known !== undefined && [...known.listeners.keys(), name].join().length <= mostCharacters) return known;
    const group: Group = { listeners: new Map(), end: new AbortController() };
    this.#open.set(namespace, group);
    void this.#follow(namespace, group);
    return group;
  }

  async #follow(namespace: string, group: Group): Promise<void> {
    const { listeners, end } = group;
    const signal = AbortSignal.any([this.#signal, end.signal]);
    try {
      await pause(gatherMs, signal);
      if (this.#open.get(namespace) === group) this.#open.delete(namespace);
      const labelSelector = `${labels.pipelineRun} in (${[...listeners.keys()].join()})`;
      const events = watch<TaskRun>(this.#kube, taskRuns, namespace, { labelSelector, deletions: false, signal });
      for await (const { object } of events) {
        const run = object.metadata.labels?.[labels.pipelineRun] ?? '';
        for (const listener of listeners.get(run) ?? []) listener.update(object);
      }
    } catch (error) {
      if (signal.aborted) return;
      for (const listener of [...listeners.values()].flatMap((own) => [...own])) listener.lost(error);
    }
  }
}
