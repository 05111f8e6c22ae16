import { hasCode, invalid } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { type OwnerReference, tasks } from '../kube/resource.ts';
import type { Log } from '../log.ts';
import { matrixParams } from '../resolve/check/matrix.ts';
import { fieldsIn, isGiven, itemsOf, textIn } from '../resolve/check/values.ts';
import { type InlineTask, inlineTasks, localName } from '../tekton/inline.ts';
import { resolveTask } from '../tekton/resolution.ts';
import type { Param, PipelineSpec, PipelineTask, Task, TaskSpec, WorkspaceBinding } from '../tekton/types.ts';
import { carriedBy, concerns, usedIn } from './uses.ts';

export interface EmbedContext {
  kube: KubeClient;
  log: Log;
  namespace: string;
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
  const found = new Map<PipelineTask, TaskSpec>();
  const embedded = await inlineTasks(spec, async (task) => {
    if (task.taskRef === undefined || !concerns(task, carried)) return undefined;
    const inline = await findTask(task, context);
    if (inline !== undefined) {
      found.set(task, inline.spec);
      checkOptional(task, inline.spec, bindings);
    }
    return inline;
  });
  const known = new Set(itemsOf(spec.params, []).map(({ name }) => name));
  const fix =
    (originals: readonly PipelineTask[] = []) =>
    (task: PipelineTask, index: number): PipelineTask => {
      const original = originals[index];
      const own = original === undefined ? undefined : found.get(original);
      return own === undefined ? task : { ...task, ...paramsOf(task, own, known) };
    };
  return {
    ...embedded,
    ...(embedded.tasks === undefined ? {} : { tasks: embedded.tasks.map(fix(spec.tasks)) }),
    ...(embedded.finally === undefined ? {} : { finally: embedded.finally.map(fix(spec.finally)) }),
  };
}

/** `undefined` for a custom task, of which there is no Task. */
async function findTask(task: PipelineTask, context: EmbedContext): Promise<InlineTask | undefined> {
  const { kube, namespace, signal } = context;
  const { taskRef } = task;
  if (taskRef?.resolver !== undefined && taskRef.resolver !== '') {
    const ref = { resolver: taskRef.resolver, params: taskRef.params ?? [] };
    return inlineOf(await resolveTask(kube, namespace, ref, context));
  }
  const name = localName(taskRef);
  if (name === undefined || (isGiven(taskRef?.kind) && taskRef?.kind !== 'Task')) return undefined;
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

/**
 * A run's param of the same name takes the place of an embedded Task's default (docs/pipelineruns.md, Propagated Parameters). So the
 * default is given.
 */
function paramsOf(task: PipelineTask, spec: TaskSpec, known: ReadonlySet<string>): { params?: Param[] } {
  const { fanned, included } = matrixParams(task.matrix, []);
  const given = itemsOf(task.params, []);
  const names = new Set([...given, ...fanned, ...included].map(({ name }) => name));
  const missing = (spec.params ?? []).flatMap(({ name, default: value }) =>
    known.has(name) && !names.has(name) && value !== undefined ? [{ name, value }] : [],
  );
  if (missing.length === 0) return {};
  return { params: [...(Array.isArray(task.params) ? task.params : []), ...missing] };
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
