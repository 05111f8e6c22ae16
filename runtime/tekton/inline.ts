import type { PipelineSpec, PipelineTask, TaskSpec } from './types.ts';

/** A Task as a file holds it. */
export interface InlineTask {
  spec: TaskSpec;
  labels: Record<string, string> | undefined;
  annotations: Record<string, string> | undefined;
}

/**
 * A Pipeline's spec with the Tasks that `find` knows embedded as `taskSpec`. Other references stay as they are: resolvers,
 * bundles, custom tasks, and Tasks that only the cluster has.
 */
export function inlineTasks(spec: PipelineSpec, find: (name: string) => InlineTask | undefined): PipelineSpec {
  const inline = (task: PipelineTask): PipelineTask => {
    const name = localName(task);
    const found = name === undefined ? undefined : find(name);
    if (found === undefined) return task;
    const { taskRef: _ref, ...rest } = task;
    const metadata = {
      ...(found.labels === undefined ? {} : { labels: found.labels }),
      ...(found.annotations === undefined ? {} : { annotations: found.annotations }),
    };
    return { ...rest, taskSpec: { ...found.spec, ...(Object.keys(metadata).length === 0 ? {} : { metadata }) } };
  };
  return {
    ...spec,
    ...(spec.tasks === undefined ? {} : { tasks: spec.tasks.map(inline) }),
    ...(spec.finally === undefined ? {} : { finally: spec.finally.map(inline) }),
  };
}

function localName({ taskRef }: PipelineTask): string | undefined {
  if (taskRef === undefined || taskRef.resolver !== undefined || taskRef.bundle !== undefined) return undefined;
  if (taskRef.kind !== undefined && taskRef.kind !== 'Task') return undefined;
  if (taskRef.apiVersion !== undefined && !taskRef.apiVersion.startsWith('tekton.dev/')) return undefined;
  return taskRef.name;
}
