import { readParams, readWorkspaces } from '../../runtime/call/call.ts';
import { type Fields, fieldsOf, isFields, optionalText, textOf } from '../../runtime/shape.ts';
import type { Param, PipelineRun, PipelineSpec } from '../../runtime/tekton/types.ts';

/** A run of the custom task `OCIPipeline`, as a PipelineRun and what its params say of images. */
export interface OciPipelineRun {
  /** With `pipelineRef`. */
  run: PipelineRun;
  target: string | undefined;
  base: string | undefined;
  /** What has no counterpart and is left out, for people. */
  left: string[];
}

/** Whether an object is a Run or CustomRun of the custom task OCIPipeline. */
export function isOciPipelineRun(object: unknown): object is Fields {
  if (!isFields(object) || (object.kind !== 'Run' && object.kind !== 'CustomRun') || !isFields(object.spec))
    return false;
  const ref = object.spec.ref ?? object.spec.customRef;
  return isFields(ref) && ref.kind === 'OCIPipeline';
}

/**
 * Reads a Run of kind OCIPipeline (tekton-wrap-pipeline, "Using Run"): `ocipipeline.target` and `ocipipeline.base` are its own params,
 * all others those of the Pipeline.
 *
 * @throws SubpipeError `INVALID` that names the field.
 */
export function readOciPipelineRun(object: Fields, where: string): OciPipelineRun {
  const spec = fieldsOf(object.spec, `${where}: spec`);
  const ref = fieldsOf(spec.ref ?? spec.customRef, `${where}: spec.ref`);
  const name = textOf(ref.name, `${where}: spec.ref.name`);
  const params = readParams(spec.params ?? [], `${where}: spec.params`).flatMap((param): Param[] =>
    'value' in param ? [param] : [],
  );
  const own = (key: string): string | undefined => {
    const value = params.find((param) => param.name === `ocipipeline.${key}`)?.value;
    return value === undefined || value === '' ? undefined : textOf(value, `${where}: the param ocipipeline.${key}`);
  };
  const account = optionalText(spec.serviceAccountName, `${where}: spec.serviceAccountName`);
  const timeout = optionalText(spec.timeout, `${where}: spec.timeout`);
  const template = {
    ...(account === undefined ? {} : { serviceAccountName: account }),
    ...(isFields(spec.podTemplate) ? { podTemplate: spec.podTemplate } : {}),
  };
  const metadata = fieldsOf(object.metadata ?? {}, `${where}: metadata`);
  const run: PipelineRun = {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { name: '', ...metadata },
    spec: {
      pipelineRef: { name },
      params: params.filter((param) => !param.name.startsWith('ocipipeline.')),
      workspaces: readWorkspaces(spec.workspaces ?? [], `${where}: spec.workspaces`),
      ...(timeout === undefined ? {} : { timeouts: { pipeline: timeout } }),
      ...(Object.keys(template).length === 0 ? {} : { taskRunTemplate: template }),
    },
  };
  const left = ['retries', 'status', 'statusMessage'].filter((field) => spec[field] !== undefined);
  const unknown = params.filter(({ name }) => /^ocipipeline\.(?!(target|base)$)/.test(name));
  return {
    run,
    target: own('target'),
    base: own('base'),
    left: [...left.map((field) => `spec.${field}`), ...unknown.map(({ name }) => `the param ${name}`)],
  };
}

/** The run with its Pipeline in it. */
export function withPipeline(run: PipelineRun, pipelineSpec: PipelineSpec): PipelineRun {
  const { pipelineRef: _ref, ...spec } = run.spec;
  return { ...run, spec: { ...spec, pipelineSpec } };
}
