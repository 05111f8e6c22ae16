import { parseDuration } from '../duration.ts';
import { invalid } from '../errors.ts';
import {
  describe,
  type Fields,
  fieldsOf,
  isFields,
  listOf,
  onlyFields,
  optionalText,
  textMapOf,
  textOf,
} from '../shape.ts';
import type { ParamValue, PipelineRef, PipelineRun, PipelineRunSpec, WorkspaceBinding } from '../tekton/types.ts';
import type { WrapOptions } from '../wrap/wrap.ts';
import type { GivenParam } from './check.ts';

/** Where the called Pipeline comes from. */
export type Source =
  | { kind: 'pipeline'; name: string }
  | { kind: 'ref'; ref: PipelineRef }
  | { kind: 'file'; path: string; pipeline: string | undefined }
  | { kind: 'run'; run: PipelineRun };

/** What a failed child means for the step that called it. */
export type OnFailure = 'fail' | 'continue';

/** One call of one Pipeline. */
export interface Call {
  /** Its name among the calls of a step: in logs, results and the child's labels. */
  name: string;
  source: Source;
  params: GivenParam[];
  workspaces: WorkspaceBinding[];
  /** Namespace of the child; unset is the caller's. */
  namespace: string | undefined;
  serviceAccount: string | undefined;
  /** Ms; unset is what the caller has left. */
  timeout: number | undefined;
  /** New tries after a failed child. */
  retries: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Merged into the child's spec last. */
  runSpec: PipelineRunSpec;
  runAfter: string[];
  onFailure: OnFailure;
  /** Hands on by OCI images what is in workspaces that are bound to an emptyDir. */
  ociWorkspaces?: WrapOptions | undefined;
}

const fields = [
  'name',
  'pipeline',
  'pipelineRef',
  'file',
  'run',
  'params',
  'workspaces',
  'namespace',
  'serviceAccount',
  'timeout',
  'retries',
  'labels',
  'annotations',
  'runSpec',
  'runAfter',
  'onFailure',
] as const;

/** A call of the list `calls`, without what the flags of the step say for those that do not say it themselves. */
export type ListedCall = Omit<Call, 'retries' | 'onFailure'> & {
  retries: number | undefined;
  onFailure: OnFailure | undefined;
};

/** One entry of the list `calls`. @throws SubpipeError `INVALID` that names the field. */
export function readCall(value: unknown, where: string): ListedCall {
  const call = fieldsOf(value, where);
  onlyFields(call, fields, where);
  const name = textOf(call.name, `${where}.name`);
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
    throw invalid(`${where}.name must be lower case letters, digits and -, at most 63, but is ${JSON.stringify(name)}`);
  }
  const at = `the call ${name}`;
  const timeout = optionalText(call.timeout, `${at}: timeout`);
  return {
    name,
    source: readSource(call, at),
    params: readParams(call.params ?? [], `${at}: params`),
    workspaces: readWorkspaces(call.workspaces ?? [], `${at}: workspaces`),
    namespace: optionalText(call.namespace, `${at}: namespace`),
    serviceAccount: optionalText(call.serviceAccount, `${at}: serviceAccount`),
    timeout: timeout === undefined ? undefined : parseDuration(timeout, `${at}: timeout`),
    retries: call.retries === undefined ? undefined : readCount(call.retries, `${at}: retries`),
    labels: textMapOf(call.labels ?? {}, `${at}: labels`),
    annotations: textMapOf(call.annotations ?? {}, `${at}: annotations`),
    runSpec: readRunSpec(call.runSpec ?? {}, `${at}: runSpec`),
    runAfter: listOf(call.runAfter ?? [], `${at}: runAfter`).map((one) => textOf(one, `${at}: runAfter`)),
    onFailure: call.onFailure === undefined ? undefined : readOnFailure(call.onFailure, `${at}: onFailure`),
  };
}

/** The one source among `pipeline`, `pipelineRef`, `file` and `run`; `pipeline` beside `file` picks one of the file. */
export function readSource(value: Fields, where: string): Source {
  const file = optionalText(value.file, `${where}: file`);
  const pipeline = optionalText(value.pipeline, `${where}: pipeline`);
  const given = [
    file !== undefined || pipeline !== undefined,
    value.pipelineRef !== undefined,
    value.run !== undefined,
  ].filter(Boolean).length;
  if (given !== 1) {
    throw invalid(
      `${where} must say which Pipeline to call with exactly one of pipeline, pipelineRef, file and run, but has ${given === 0 ? 'none' : given}`,
    );
  }
  if (file !== undefined) return { kind: 'file', path: file, pipeline };
  if (pipeline !== undefined) return { kind: 'pipeline', name: pipeline };
  if (value.pipelineRef !== undefined) return { kind: 'ref', ref: readRef(value.pipelineRef, `${where}: pipelineRef`) };
  return { kind: 'run', run: readRun(value.run, `${where}: run`) };
}

/** A `pipelineRef` (docs/pipelineruns.md "Specifying the target Pipeline"). */
export function readRef(value: unknown, where: string): PipelineRef {
  const ref = fieldsOf(value, where);
  onlyFields(ref, ['name', 'apiVersion', 'kind', 'resolver', 'params'], where);
  if ((ref.name === undefined) === (ref.resolver === undefined))
    throw invalid(`${where} must have exactly one of name and resolver`);
  for (const [index, param] of listOf(ref.params ?? [], `${where}.params`).entries()) {
    readParamValue(fieldsOf(param, `${where}.params[${index}]`).value, `${where}.params[${index}].value`);
  }
  return ref as PipelineRef;
}

/** A whole PipelineRun. Its name is not used: the child's is derived from the caller. */
export function readRun(value: unknown, where: string): PipelineRun {
  const run = fieldsOf(value, where);
  if (run.kind !== 'PipelineRun')
    throw invalid(`${where} must be a PipelineRun, but its kind is ${describe(run.kind)}`);
  const spec = fieldsOf(run.spec, `${where}.spec`);
  if ((spec.pipelineRef === undefined) === (spec.pipelineSpec === undefined)) {
    throw invalid(`${where}.spec must have exactly one of pipelineRef and pipelineSpec`);
  }
  return { ...run, metadata: { name: '', ...fieldsOf(run.metadata ?? {}, `${where}.metadata`) }, spec } as PipelineRun;
}

/** Params as Tekton writes them, `[{name, value}]`, or as a map. */
export function readParams(value: unknown, where: string): GivenParam[] {
  if (isFields(value))
    return Object.entries(value).map(([name, given]) => ({ name, value: readParamValue(given, `${where}.${name}`) }));
  return listOf(value, where).map((entry, index) => {
    const param = fieldsOf(entry, `${where}[${index}]`);
    onlyFields(param, ['name', 'value'], `${where}[${index}]`);
    const name = textOf(param.name, `${where}[${index}].name`);
    return { name, value: readParamValue(param.value, `${where}.${name}`) };
  });
}

/** A `name=value` word. */
export function readParamWord(word: string): GivenParam {
  const equals = word.indexOf('=');
  if (equals <= 0) throw invalid(`each param must be name=value, but one is ${JSON.stringify(word)}`);
  return { name: word.slice(0, equals), text: word.slice(equals + 1) };
}

function readParamValue(value: unknown, where: string): ParamValue {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value); // YAML's reading of a string without quotes
  if (Array.isArray(value))
    return value.map((entry, index) => textOf(readParamValue(entry, `${where}[${index}]`), `${where}[${index}]`));
  return textMapOf(value, where);
}

const sources = ['persistentVolumeClaim', 'volumeClaimTemplate', 'emptyDir', 'configMap', 'secret', 'projected', 'csi'];

/** Workspace bindings as Tekton writes them (docs/workspaces.md "Specifying VolumeSources in Workspaces"). */
export function readWorkspaces(value: unknown, where: string): WorkspaceBinding[] {
  return listOf(value, where).map((entry, index) => {
    const binding = fieldsOf(entry, `${where}[${index}]`);
    onlyFields(binding, ['name', 'subPath', ...sources], `${where}[${index}]`);
    const name = textOf(binding.name, `${where}[${index}].name`);
    const given = sources.filter((source) => binding[source] !== undefined);
    if (given.length !== 1) {
      throw invalid(
        `${where}: the workspace ${name} must have exactly one of ${sources.join(', ')}, but has ${given.join(', ') || 'none'}`,
      );
    }
    return { ...binding, name };
  });
}

/** A fragment of a PipelineRun's spec. What it runs and how it is told to stop are not its business. */
export function readRunSpec(value: unknown, where: string): PipelineRunSpec {
  const spec = fieldsOf(value, where);
  const refused = ['pipelineRef', 'pipelineSpec', 'status'].filter((field) => spec[field] !== undefined);
  if (refused.length > 0)
    throw invalid(
      `${where} must not have ${refused.join(', ')}: say what to call with pipeline, pipelineRef, file or run`,
    );
  return spec as PipelineRunSpec;
}

function readCount(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw invalid(`${where} must be a whole number, 0 or more, but is ${describe(value)}`);
}

function readOnFailure(value: unknown, where: string): OnFailure {
  if (value === 'fail' || value === 'continue') return value;
  throw invalid(`${where} must be fail or continue, but is ${describe(value)}`);
}
