import { typeOf } from '../call/check.ts';
import { invalid } from '../errors.ts';
import { itemsOf } from '../resolve/check/values.ts';
import type { Fields } from '../shape.ts';
import type {
  Param,
  PipelineRunSpec,
  PipelineSpec,
  PipelineTask,
  ResultSpec,
  TaskSpec,
  WorkspaceBinding,
} from '../tekton/types.ts';
import { paramReferences } from '../tekton/variables.ts';
import { type Source, sourcesOf } from './flow.ts';
import { Graph } from './graph.ts';
import { namesFor, type UseNames } from './names.ts';
import { roomFor } from './room.ts';
import { pullStep, pushStep, type StepOptions, type StepPlace } from './steps.ts';
import { baseOf, ownTag, readTarget, repositoryOf, type Target, tagOf } from './target.ts';
import { userOf, type WrapUser } from './user.ts';
import { carriedBy, type Use, usesIn } from './uses.ts';

export interface WrapOptions {
  /** Where images go, such as `ghcr.io/team/$(context.run.name)-{{workspace}}:latest`. See {@link readTarget}. */
  target: string;
  /** The image that a workspace begins with, as `readBase` gives it. Default: it begins empty. */
  base?: string | undefined;
  /** Registries that speak HTTP, by host and port. */
  insecure?: readonly string[] | undefined;
  /** Images of pull and push, with `{{step}}` for their names. Default: this release's. */
  images?: string | undefined;
  /** See `userOf`. */
  user?: WrapUser | undefined;
  /** What `target` is called in errors. */
  where: string;
}

export interface Wrapped {
  spec: PipelineSpec;
  /** The run's bindings, as the wrapped Pipeline wants them. */
  workspaces: WorkspaceBinding[];
  /** Names of the workspaces that images carry from Task to Task. */
  carried: string[];
}

/**
 * A Pipeline whose Tasks hand on by OCI images what they have in workspaces that the run binds to an emptyDir. Each Task that uses one
 * pulls before its own steps what the Tasks before it pushed, and pushes after them what changed. Other workspaces stay as they are.
 *
 * @param spec The Pipeline, with all Tasks embedded that use such a workspace (`embedTasks`). It is not changed.
 * @param run The run's bindings, and what it says of pods.
 * @throws SubpipeError `INVALID` that names the task, workspace or option.
 */
export function wrapPipeline(
  spec: PipelineSpec,
  run: Pick<PipelineRunSpec, 'workspaces' | 'taskRunTemplate' | 'taskRunSpecs'>,
  options: WrapOptions,
): Wrapped {
  const bindings = run.workspaces ?? [];
  const carried = carriedBy(bindings);
  const target = readTarget(options.target, options.where, carried);
  checkParams([options.target, options.base ?? ''], spec, options.where);
  const uses = usesIn(spec, carried);
  const graph = new Graph(spec);
  const { images, base, insecure = [] } = options;
  const all = [...(spec.tasks ?? []), ...(spec.finally ?? [])];
  const names = new Map<Use, UseNames>();
  const volumes = new Map<string, string>();
  for (const task of all) {
    const named = namesFor(
      task,
      spec,
      uses.filter((use) => use.task === task.name),
    );
    for (const [use, own] of named.uses) names.set(use, own);
    volumes.set(task.name, named.volume);
  }
  const plan: Plan = { uses, graph, names, target, steps: { images, base, insecure } };
  const wrap = (task: PipelineTask): PipelineTask => {
    const own = uses.filter((use) => use.task === task.name);
    if (own.length === 0 || task.taskSpec === undefined) return task;
    const user = userOf(task, run, options.user);
    const places = own.map((use): [Use, StepPlace] => [
      use,
      { workspace: use.name, names: nameOf(use, plan), volume: volumes.get(task.name) ?? '', user },
    ]);
    return wrapTask(task, task.taskSpec, new Map(places), plan);
  };
  return {
    spec: {
      ...spec,
      ...(spec.tasks === undefined ? {} : { tasks: spec.tasks.map(wrap) }),
      ...(spec.finally === undefined ? {} : { finally: spec.finally.map(wrap) }),
    },
    // A folder of an emptyDir that nobody else has is no different from all of it.
    workspaces: bindings.map((binding) => (carried.includes(binding.name) ? withoutSubPath(binding) : binding)),
    carried,
  };
}

/** Tekton would tell it of each Task, by fields that nobody has written. */
function checkParams(texts: readonly string[], { params = [] }: PipelineSpec, where: string): void {
  for (const { text, param } of texts.flatMap(paramReferences)) {
    const found = params.find(({ name }) => name === param);
    if (found !== undefined && typeOf(found) === 'string') continue;
    const what = found === undefined ? 'the Pipeline has no such param' : `that is an ${typeOf(found)}`;
    throw invalid(
      `${where}, or what workspaces begin with, asks for ${text}, but ${what}: expected one of type string`,
    );
  }
}

interface Plan {
  uses: readonly Use[];
  graph: Graph;
  names: ReadonlyMap<Use, UseNames>;
  target: Target;
  steps: StepOptions;
}

function nameOf(use: Use, { names }: Plan): UseNames {
  const found = names.get(use);
  if (found === undefined) throw new TypeError(`the workspace ${use.name} of ${use.task} has no names`);
  return found;
}

function wrapTask(task: PipelineTask, spec: TaskSpec, places: ReadonlyMap<Use, StepPlace>, plan: Plan): PipelineTask {
  const { target, graph, steps: options } = plan;
  const steps = named(spec.steps);
  const pulls: Fields[] = [];
  const pushes: Fields[] = [];
  const params: Param[] = [];
  const results: ResultSpec[] = [];
  const sources = new Map([...places.keys()].map((use) => [use, sourcesOf(use, plan.uses, graph)]));
  const isPulled = (use: Use): boolean => options.base !== undefined || sources.get(use)?.length !== 0;
  const added = [...places.keys()].reduce((sum, use) => sum + Number(isPulled(use)) + Number(use.writes), 0);
  const resultsLimit = roomFor(spec, added);
  for (const [use, at] of places) {
    const from = sources.get(use) ?? [];
    if (isPulled(use)) {
      const first = options.base === undefined ? undefined : baseOf(options.base, use.workspace);
      // In the step itself a param would be the Task's.
      const base = first?.includes('$(') ? `$(params.${at.names.base})` : first;
      pulls.push(pullStep(at, { ...options, base, mayBeMissing: from.some(({ by }) => by === 'tag') }));
      params.push({ name: at.names.from, value: from.map((source) => textOf(source, plan)) });
      if (first !== undefined && base !== first) params.push({ name: at.names.base, value: first });
    }
    if (!use.writes) continue;
    const tag = tagOf(target, use.workspace);
    pushes.push(
      pushStep(at, { ...options, announces: graph.isMatrixed(use.task), tag: tag !== undefined, resultsLimit }),
    );
    params.push({ name: at.names.to, value: tagged(use, plan) });
    if (tag !== undefined) params.push({ name: at.names.tag, value: tag });
    results.push({
      name: at.names.result,
      type: 'string',
      description: `The image with what this Task left in the workspace ${use.name}.`,
    });
  }
  return {
    ...task,
    params: [...(Array.isArray(task.params) ? task.params : []), ...params],
    workspaces: bindingsOf(task, [...places.keys()]),
    taskSpec: {
      ...spec,
      params: [...(spec.params ?? []), ...params.map(({ name, value }) => declared(name, value))],
      workspaces: declarationsOf(spec, [...places.keys()]),
      ...(results.length === 0 ? {} : { results: [...(spec.results ?? []), ...results] }),
      volumes: [...listIn(spec.volumes), { name: [...places.values()][0]?.volume, emptyDir: {} }],
      steps: [...pulls, ...steps, ...pushes],
    },
  };
}

/** A reference that pull takes. Of a task with a matrix, all of its images. */
function textOf({ use, by }: Source, plan: Plan): string {
  if (by === 'tag') return tagged(use, plan);
  const result = `tasks.${use.task}.results.${nameOf(use, plan).result}`;
  return plan.graph.isMatrixed(use.task) ? `$(${result}[*])` : `$(${result})`;
}

function tagged(use: Use, { target }: Plan): string {
  return `${repositoryOf(target, use.workspace)}:${ownTag(use.task, use.name)}`;
}

function declared(
  name: string,
  value: Param['value'],
): { name: string; type: 'string' | 'array'; description: string } {
  const isList = Array.isArray(value);
  return {
    name,
    type: isList ? 'array' : 'string',
    description: isList ? 'Images that the workspace begins with.' : 'Where an image of the workspace is.',
  };
}

/** Tekton numbers steps without a name; what is added before them must not change their numbers. */
function named(steps: unknown): Fields[] {
  return itemsOf(steps, []).map(({ fields, name, index }) =>
    name === '' ? { name: `unnamed-${index}`, ...without(fields, 'name') } : fields,
  );
}

/** With the workspaces that Tekton would have bound by their use in steps. Each is a whole emptyDir: `subPath` says nothing more. */
function bindingsOf(task: PipelineTask, uses: readonly Use[]): Fields[] {
  const bound = itemsOf(task.workspaces, []);
  const kept = bound.map(({ name, fields }) =>
    uses.some((use) => use.name === name) ? without(fields, 'subPath') : fields,
  );
  const missing = uses.filter(({ name }) => !bound.some((one) => one.name === name));
  return [...kept, ...missing.map(({ name, workspace }) => ({ name, workspace }))];
}

function declarationsOf(spec: TaskSpec, uses: readonly Use[]): Fields[] {
  const known = itemsOf(spec.workspaces, []);
  const missing = uses.filter(({ name }) => !known.some((one) => one.name === name));
  return [...known.map(({ fields }) => fields), ...missing.map(({ name }) => ({ name }))];
}

function withoutSubPath(binding: WorkspaceBinding): WorkspaceBinding {
  const { subPath: _part, ...rest } = binding;
  return rest;
}

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
}

function listIn(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
