import { hasCode, invalid, SubpipeError } from '../../runtime/errors.ts';
import type { KubeClient } from '../../runtime/kube/client.ts';
import { pipelines, tasks } from '../../runtime/kube/resource.ts';
import type { Document } from '../../runtime/resolve/document.ts';
import { readBeside } from '../../runtime/resolve/folder.ts';
import { fieldsOf } from '../../runtime/shape.ts';
import type { Param, Pipeline, PipelineTask, Task, TaskSpec } from '../../runtime/tekton/types.ts';
import type { SourceFile } from '../files.ts';
import type { FindTask } from './result-type.ts';

/** A Pipeline, and where its Tasks are looked up. */
export interface Lookup {
  pipeline: Pipeline;
  findTask: FindTask;
}

interface Cluster {
  kube: KubeClient;
  namespace: () => Promise<string>;
  signal: AbortSignal;
}

/** The Pipeline as the cluster has it. @throws SubpipeError `NOT_FOUND` where it has none. */
export async function fromCluster(name: string, cluster: Cluster): Promise<Lookup> {
  const namespace = await cluster.namespace();
  try {
    const pipeline = await cluster.kube.get<Pipeline>(pipelines, namespace, name, cluster.signal);
    return { pipeline, findTask: (task) => findTask(task, [], cluster) };
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
    throw new SubpipeError('NOT_FOUND', `there is no Pipeline ${name} in namespace ${namespace}`, {
      hint: 'Name another namespace with -n, or a file with -f.',
    });
  }
}

/** The Pipeline as a file has it. Its Tasks come from the file and its folder, those that are not there from the cluster. */
export async function fromFile(
  name: string | undefined,
  { folder, file }: SourceFile,
  cluster: Cluster,
): Promise<Lookup> {
  const { own, beside } = await readBeside(folder, file);
  const all = own.filter(({ kind }) => kind === 'Pipeline');
  const fitting = name === undefined ? all : all.filter((one) => one.name === name);
  const [found] = fitting;
  if (found === undefined || fitting.length > 1) {
    const holds = all.map((one) => one.name).join(', ') || 'none';
    throw invalid(
      `the file must hold ${name === undefined ? 'one Pipeline' : `the Pipeline ${name}`}, but holds ${holds}`,
    );
  }
  const spec = fieldsOf(found.object.spec, `${found.where}: spec`);
  const pipeline = { metadata: { name: found.name }, spec };
  return { pipeline, findTask: (task) => findTask(task, [...own, ...beside], cluster) };
}

async function findTask(
  task: PipelineTask,
  documents: readonly Document[],
  cluster: Cluster,
): Promise<TaskSpec | string> {
  const { taskRef, taskSpec } = task;
  if (taskSpec !== undefined) return taskSpec.kind === undefined ? taskSpec : `the task ${task.name} is a custom task`;
  if (taskRef === undefined) return `the task ${task.name} is no Task`;
  if (taskRef.resolver === 'cluster') return findByClusterResolver(task.name, taskRef.params ?? [], cluster);
  if (taskRef.resolver !== undefined || taskRef.bundle !== undefined)
    return `the Task of ${task.name} comes from the resolver ${taskRef.resolver ?? 'bundles'}`;
  const { name = '', kind = 'Task' } = taskRef;
  if (kind !== 'Task') return `the task ${task.name} is a ${kind}`;
  const local = documents.find((document) => document.kind === 'Task' && document.name === name);
  if (local !== undefined) return fieldsOf(local.object.spec, `${local.where}: spec`);
  return getTask(name, await cluster.namespace(), cluster);
}

/** docs/cluster-resolver.md */
function findByClusterResolver(task: string, params: readonly Param[], cluster: Cluster): Promise<TaskSpec | string> {
  const value = (name: string): string | undefined => {
    const given = params.find((param) => param.name === name)?.value;
    return typeof given === 'string' ? given : undefined;
  };
  const name = value('name');
  if (name === undefined) return Promise.resolve(`the cluster resolver of the task ${task} is given no name`);
  return cluster.namespace().then((namespace) => getTask(name, value('namespace') ?? namespace, cluster));
}

async function getTask(name: string, namespace: string, { kube, signal }: Cluster): Promise<TaskSpec | string> {
  try {
    return (await kube.get<Task>(tasks, namespace, name, signal)).spec;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return `there is no Task ${name}, neither in a file nor in namespace ${namespace}`;
    throw error;
  }
}
