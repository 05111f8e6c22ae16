import { type ListedCall, readCall, readParamWord, readWorkspaces } from '../../runtime/call/call.ts';
import { checkCall, type GivenParam } from '../../runtime/call/check.ts';
import { explain } from '../../runtime/errors.ts';
import { stepActionOf, taskOf } from '../../runtime/manifest.ts';
import { type Fields, fieldsOf, isFields } from '../../runtime/shape.ts';
import type { Param, ParamValue, PipelineSpec, WorkspaceBinding } from '../../runtime/tekton/types.ts';
import { parseYaml, parseYamlAll } from '../../runtime/yaml.ts';
import { steps } from '../../steps/index.ts';

/** A Kubernetes object of a sample or README. */
export interface Found {
  where: string;
  kind: string;
  /** Unset where it has a generateName. */
  name: string | undefined;
  object: Fields;
}

/** The objects of YAML texts, and those in the files of their ConfigMaps. What is no Kubernetes object is passed over. */
export async function objectsOf(texts: readonly { text: string; where: string }[]): Promise<Found[]> {
  const found: Found[] = [];
  for (const { text, where } of texts) {
    for (const object of await parseYamlAll(text, where)) {
      if (!isFields(object) || typeof object.kind !== 'string') continue;
      const { name } = fieldsOf(object.metadata, `${where}: metadata`);
      found.push({ where, kind: object.kind, name: typeof name === 'string' ? name : undefined, object });
      if (object.kind !== 'ConfigMap') continue;
      const files = Object.entries(fieldsOf(object.data, `${where}: data`));
      found.push(
        ...(await objectsOf(files.map(([file, data]) => ({ text: String(data), where: `${where}: ${file}` })))),
      );
    }
  }
  return found;
}

/** The steps that call Pipelines: their Tasks are copied and given params of the Pipeline's own. */
const callers: ReadonlySet<string> = new Set(['subpipe', 'subpipe-trigger']);

/** What is given to one of our Tasks or StepActions. */
interface Use {
  where: string;
  step: string;
  declared: readonly Param[];
  params: Param[];
  workspaces: WorkspaceBinding[];
  isTask: boolean;
}

/** What does not fit of all uses of our Tasks and StepActions, by the step's own checks. Empty where all is well. */
export async function wrongCallsIn(objects: readonly Found[]): Promise<string[]> {
  const findings: string[] = [];
  for (const use of objects.flatMap(usesIn)) {
    try {
      await checkUse(use, objects);
    } catch (error) {
      findings.push(`${use.where}: ${explain(error)}`);
    }
  }
  return findings;
}

function usesIn({ where, kind, object }: Found): Use[] {
  const inSteps = (task: unknown, at: string): Use[] => {
    const { steps: own = [] } = (task ?? {}) as { steps?: { name: string; ref?: { name: string } }[] };
    return own.flatMap((step) => useOf(step.ref?.name, step, `${at}/${step.name}`, false));
  };
  if (kind === 'Task') return inSteps(object.spec, where);
  if (kind !== 'Pipeline' && kind !== 'PipelineRun') return [];
  const spec = fieldsOf(object.spec, where);
  const pipeline = (kind === 'Pipeline' ? spec : (spec.pipelineSpec ?? {})) as PipelineSpec;
  return [...(pipeline.tasks ?? []), ...(pipeline.finally ?? [])].flatMap((task) => {
    const at = `${where}: ${task.name}`;
    return [...useOf(task.taskRef?.name, task, at, true), ...inSteps(task.taskSpec, at)];
  });
}

function useOf(name: string | undefined, use: object, where: string, isTask: boolean): Use[] {
  const step = steps.find((one) => one.name === name);
  if (step === undefined) return [];
  const manifest = isTask ? taskOf(step) : stepActionOf(step);
  const {
    params = [],
    matrix,
    workspaces = [],
  } = use as {
    params?: Param[];
    matrix?: { params?: Param[] };
    workspaces?: WorkspaceBinding[];
  };
  const each = (matrix?.params ?? []).map(({ name: param, value }) => ({
    name: param,
    value: value[0 as never] as string,
  }));
  const declared = (manifest.spec as { params: Param[] }).params;
  return [{ where, step: step.name, declared, params: [...params, ...each], workspaces, isTask }];
}

async function checkUse(
  { where, declared, params, workspaces, isTask, step }: Use,
  objects: readonly Found[],
): Promise<void> {
  const isOwn = (name: string): boolean => declared.some((param) => param.name === name);
  const others = params.filter(({ name }) => !isOwn(name));
  const isCall = callers.has(step);
  if (others.length > 0 && !(isTask && isCall)) {
    throw new Error(`${step} has no param ${others.map(({ name }) => name).join(', ')}`);
  }
  if (!isCall) return;
  const own = (name: string): ParamValue | undefined => params.find((param) => param.name === name)?.value;
  const text = (name: string): string | undefined => own(name)?.toString();
  const specOf = (name: string | undefined): PipelineSpec => {
    const pipelines = objects.filter(({ kind }) => kind === 'Pipeline');
    const found = name === undefined ? pipelines[0] : pipelines.find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no Pipeline ${name} beside it`);
    return found.object.spec as PipelineSpec;
  };
  const calls = text('calls');
  if (calls !== undefined) {
    const list = (await parseYaml(calls, where)) as unknown[];
    for (const call of list.map((one, index): ListedCall => readCall(one, `calls[${index}]`))) {
      const name = call.source.kind === 'pipeline' ? call.source.name : undefined;
      checkCall(call.name, specOf(name), call.params.map(unknownUntilRun), call.workspaces);
    }
    return;
  }
  const words = own('params');
  const given = [...others, ...(Array.isArray(words) ? words.map(readParamWord) : [])].map(unknownUntilRun);
  const bindings =
    text('workspaces') === undefined ? [] : readWorkspaces(await parseYaml(text('workspaces') ?? '', where), where);
  const passed = text('pass-workspaces') === 'all' ? workspaces : [];
  checkCall(where, specOf(await calledName(text, where)), given, [...passed, ...bindings]);
}

/** The Pipeline's name: `pipeline`, or the param `name` of a resolver; unset for a file, which has only one here. */
async function calledName(text: (name: string) => string | undefined, where: string): Promise<string | undefined> {
  const ref = text('pipeline-ref');
  if (ref === undefined) return text('pipeline');
  const { params = [], name } = (await parseYaml(ref, where)) as { name?: string; params?: Param[] };
  return name ?? params.find((param) => param.name === 'name')?.value.toString();
}

/** Tekton's variables have their value, and so their type, when they run: the check passes over what waits for a call. */
function unknownUntilRun(param: GivenParam): GivenParam {
  return JSON.stringify(param).includes('$(') ? { name: param.name, value: '${calls.any.status}' } : param;
}
