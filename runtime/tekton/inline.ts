import { isFields } from '../shape.ts';
import type { Param, PipelineSpec, PipelineTask, TaskRef, TaskSpec } from './types.ts';

/** A Task as a file holds it. */
export interface InlineTask {
  spec: TaskSpec;
  labels: Record<string, string> | undefined;
  annotations: Record<string, string> | undefined;
  /** What it is given beside the params that the pipeline task has. */
  params?: readonly Param[];
}

/**
 * A Pipeline's spec with the Tasks that `find` knows embedded as `taskSpec`. Other references stay as they are. The spec that came
 * is not changed, and shares no changed part with the result.
 */
export async function inlineTasks(
  spec: PipelineSpec,
  find: (task: PipelineTask, list: 'tasks' | 'finally', index: number) => Promise<InlineTask | undefined>,
): Promise<PipelineSpec> {
  const inline = (list: 'tasks' | 'finally') => (task: PipelineTask, index: number) =>
    find(task, list, index).then((found) => (found === undefined ? task : embedded(task, found)));
  return {
    ...spec,
    ...(spec.tasks === undefined ? {} : { tasks: await Promise.all(spec.tasks.map(inline('tasks'))) }),
    ...(spec.finally === undefined ? {} : { finally: await Promise.all(spec.finally.map(inline('finally'))) }),
  };
}

function embedded(task: PipelineTask, found: InlineTask): PipelineTask {
  const { taskRef: _ref, ...rest } = task;
  const metadata = {
    ...(isFields(found.labels) ? { labels: found.labels } : {}),
    ...(isFields(found.annotations) ? { annotations: found.annotations } : {}),
  };
  const { params = [] } = found;
  const own = Array.isArray(task.params) ? task.params : [];
  return {
    ...rest,
    ...(params.length === 0 ? {} : { params: [...own, ...params] }),
    taskSpec: { ...found.spec, ...(Object.keys(metadata).length === 0 ? {} : { metadata }) },
  };
}

/**
 * The name of a Task that a reference names in the cluster, and thus in a repository. Resolvers, bundles, custom tasks and ClusterTasks
 * are none: they stay.
 */
export function localName(ref: TaskRef | undefined): string | undefined {
  if (ref === undefined || isGiven(ref.resolver) || isGiven(ref.bundle)) return undefined;
  if (ref.kind === 'ClusterTask') return undefined;
  if (isGiven(ref.apiVersion) && !ref.apiVersion?.startsWith('tekton.dev/')) return undefined;
  return ref.name ?? '';
}

function isGiven(text: string | undefined): boolean {
  return text !== undefined && text !== '';
}
