import { hasCode, invalid } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { type OwnerReference, tasks } from '../kube/resource.ts';
import type { Log } from '../log.ts';
import { fieldsIn, isGiven, itemsOf, textIn } from '../resolve/check/values.ts';
import { asReferenced } from '../tekton/as-referenced.ts';
import { type InlineTask, inlineTasks, localName } from '../tekton/inline.ts';
import { resolveTask } from '../tekton/resolution.ts';
import type { Param, PipelineSpec, PipelineTask, Task, TaskRef, TaskSpec, WorkspaceBinding } from '../tekton/types.ts';
import { filledRef } from './task-ref.ts';
import { carriedBy, concerns, usedIn } from './uses.ts';

export interface EmbedContext {
  kube: KubeClient;
  log: Log;
  namespace: string;
  /** What the run is given. */
  params: readonly Param[];
  /** Owner of helper objects. */
  owner: OwnerReference | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The Pipeline with those of its Tasks embedded that use a workspace that the run binds to an emptyDir: read from the cluster, or
 * resolved by Tekton's own resolvers. What an embedded Task would get from the run, and one that is referenced does not, it gets not.
 *
 * @throws SubpipeError `INVALID` for a Task that is not there, or cannot be embedded without another meaning.
 */
export async function embedTasks(
  spec: PipelineSpec,
  bindings: readonly WorkspaceBinding[],
  context: EmbedContext,
): Promise<PipelineSpec> {
  const carried = carriedBy(bindings);
  return inlineTasks(spec, async (task) => {
    if (task.taskRef === undefined || !concerns(task, carried)) return undefined;
    const found = await findTask(task, filledRef(task, task.taskRef, spec, context), context);
    if (found === undefined) return undefined;
    checkOptional(task, found.spec, bindings);
    return asReferenced(task, found, spec);
  });
}

/** `undefined` for a custom task, of which there is no Task. */
async function findTask(task: PipelineTask, taskRef: TaskRef, context: EmbedContext): Promise<InlineTask | undefined> {
  const { kube, namespace, signal } = context;
  if (taskRef.resolver !== undefined && taskRef.resolver !== '') {
    const ref = { resolver: taskRef.resolver, params: taskRef.params ?? [] };
    return inlineOf(await resolveTask(kube, namespace, ref, context));
  }
  const name = localName(taskRef);
  if (name === undefined || (isGiven(taskRef.kind) && taskRef.kind !== 'Task')) return undefined;
  try {
    return inlineOf(await kube.get<Task>(tasks, namespace, name, signal));
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
    throw invalid(`the task ${task.name} names the Task ${name}, but namespace ${namespace} has none`, {
      hint: 'Nothing was created.',
    });
  }
}

function inlineOf({ spec, metadata }: Task): InlineTask {
  const { 'kubectl.kubernetes.io/last-applied-configuration': _applied, ...annotations } = metadata.annotations ?? {};
  return {
    spec,
    labels: metadata.labels,
    annotations: Object.keys(annotations).length === 0 ? undefined : annotations,
  };
}

/** An embedded Task is bound to a workspace of the run by the name alone: one that was left out would be there. */
function checkOptional(task: PipelineTask, spec: TaskSpec, bindings: readonly WorkspaceBinding[]): void {
  const bound = new Set(itemsOf(task.workspaces, []).map(({ name }) => name));
  const wrong = usedIn(fieldsIn(spec)).find((name) => !bound.has(name) && bindings.some((one) => one.name === name));
  if (wrong === undefined) return;
  throw invalid(
    `the task ${task.name} leaves out the workspace ${wrong} of its Task ${textIn(task.taskRef?.name)}, but the run has one of this name, which an embedded Task would get`,
    { hint: `Give the workspace ${wrong} of the Pipeline another name.` },
  );
}
