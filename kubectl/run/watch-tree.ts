import { callerUidLabel } from '../../runtime/call/child.ts';
import { hasCode } from '../../runtime/errors.ts';
import type { KubeClient } from '../../runtime/kube/client.ts';
import { pipelineRuns, taskRuns } from '../../runtime/kube/resource.ts';
import { watch } from '../../runtime/kube/watch.ts';
import { labels, type PipelineRun, type TaskRun } from '../../runtime/tekton/types.ts';
import { type RunNode, RunTree } from './tree.ts';

/** Params by which a call goes to another namespace: the Task subpipe's, and a stub's. */
const namespaceParams = ['namespace', 'subpipe-namespace'];

/**
 * Keeps the tree of a run up to date: one watch for the called runs of each namespace, one for the tasks of each run.
 * A namespace that may not be watched is left out of the tree; the calling task's log tells of it all the same.
 */
export class TreeWatch {
  readonly tree: RunTree;
  readonly #kube: KubeClient;
  readonly #onChange: () => void;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #candidates = new Map<string, PipelineRun>();
  readonly #callers = new Set<string>();
  readonly #runs = new Set<string>();
  readonly #namespaces = new Set<string>();
  readonly #watches: Promise<void>[] = [];

  constructor(
    kube: KubeClient,
    root: PipelineRun,
    title: string,
    options: { signal: AbortSignal; onChange: () => void },
  ) {
    this.#kube = kube;
    this.#onChange = options.onChange;
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal]);
    this.tree = new RunTree(root, title);
    // The root has the label too, and children are made after it: events from its version on are all there is to know.
    this.#watchRuns(root.metadata.namespace ?? '', root.metadata.resourceVersion);
    this.#add(root);
  }

  /** Reads the last state of all runs and ends the watches. The tree stays. */
  async close(): Promise<void> {
    await Promise.allSettled(this.tree.runs().map((node) => this.#refresh(node)));
    this.#stop.abort();
    await Promise.allSettled(this.#watches);
  }

  async #refresh({ run }: RunNode): Promise<void> {
    const { namespace = '', name } = run.metadata;
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(5000)]);
    const [now, { items }] = await Promise.all([
      this.#kube.get<PipelineRun>(pipelineRuns, namespace, name, signal),
      this.#kube.list<TaskRun>(taskRuns, namespace, { labelSelector: `${labels.pipelineRun}=${name}` }, signal),
    ]);
    this.tree.putRun(now);
    for (const taskRun of items) this.tree.putTaskRun(taskRun);
  }

  #watchRuns(namespace: string, resourceVersion?: string): void {
    if (this.#namespaces.has(namespace)) return;
    this.#namespaces.add(namespace);
    const options = { labelSelector: callerUidLabel, resourceVersion, signal: this.#signal };
    this.#run(async () => {
      for await (const { object } of watch<PipelineRun>(this.#kube, pipelineRuns, namespace, options)) {
        this.#candidates.set(object.metadata.uid ?? '', object);
        this.#adopt();
      }
    });
  }

  #watchTasks({ metadata }: PipelineRun): void {
    const options = { labelSelector: `${labels.pipelineRun}=${metadata.name}`, signal: this.#signal };
    this.#run(async () => {
      for await (const { object } of watch<TaskRun>(this.#kube, taskRuns, metadata.namespace ?? '', options)) {
        this.tree.putTaskRun(object);
        this.#callers.add(object.metadata.uid ?? '');
        for (const { name, value } of object.spec.params ?? []) {
          if (namespaceParams.includes(name) && typeof value === 'string' && value !== '') this.#watchRuns(value);
        }
        this.#adopt();
        this.#onChange();
      }
    });
  }

  /** Of all runs that somebody has called, takes those that a TaskRun of this tree has called. */
  #adopt(): void {
    for (const run of this.#candidates.values()) {
      const { uid = '', labels: own } = run.metadata;
      if (this.#runs.has(uid) || this.#callers.has(own?.[callerUidLabel] ?? '')) this.#add(run);
    }
  }

  #add(run: PipelineRun): void {
    const uid = run.metadata.uid ?? '';
    this.#candidates.delete(uid);
    this.tree.putRun(run);
    if (!this.#runs.has(uid)) {
      this.#runs.add(uid);
      this.#watchTasks(run);
    }
    this.#onChange();
  }

  #run(work: () => Promise<void>): void {
    this.#watches.push(
      work().catch((error: unknown) => {
        if (!this.#signal.aborted && !hasCode(error, 'FORBIDDEN')) throw error;
      }),
    );
    this.#watches.at(-1)?.catch(() => undefined);
  }
}
