import { randomUUID } from 'node:crypto';
import { invalid } from '../errors.ts';
import {
  choice,
  duration,
  integer,
  kebab,
  list,
  resourceName,
  text,
  textMap,
  type ValuesOf,
  words,
  yaml,
} from '../params.ts';
import { listOf } from '../shape.ts';
import type { WorkspaceBinding } from '../tekton/types.ts';
import { readWrapOptions } from '../wrap/options.ts';
import type { WrapOptions } from '../wrap/wrap.ts';
import {
  type Call,
  type ListedCall,
  readCall,
  readParamWord,
  readRef,
  readRun,
  readRunSpec,
  readSource,
  readWorkspaces,
  type Source,
} from './call.ts';
import type { Caller } from './caller.ts';
import type { GivenParam } from './check.ts';

/** The params of a step that calls Pipelines. */
export const callParams = {
  pipeline: resourceName('Name of the Pipeline to call; beside file, which of its Pipelines.'),
  pipelineRef: yaml('The Pipeline to call as a pipelineRef, with any Tekton resolver.', readRef),
  file: text(
    'A YAML file of the workspace source that holds the Pipeline or PipelineRun. Tasks of the file and its folder are inlined.',
  ),
  run: yaml('A whole PipelineRun to start from. Its name is not used.', readRun),
  calls: yaml(
    'Many calls as a list: each with name, pipeline (or pipelineRef, file, run), params, workspaces, runAfter, and what else a single call takes.',
    readCalls,
  ),
  params: list('Params of the child, each name=value. Typed by what the child declares: JSON for arrays and objects.', {
    form: 'NAME=VALUE',
  }),
  passParams: choice(
    ['none', 'undeclared', 'all'],
    'Which params of the calling TaskRun go to the child as they are: those that its Task does not declare, or all.',
    { default: 'none', bound: 'undeclared' },
  ),
  workspaces: yaml('Workspace bindings of the child, as a PipelineRun lists them.', readWorkspaces),
  passWorkspaces: choice(['none', 'all'], 'Whether the bindings of the calling TaskRun go to the child as well.', {
    default: 'none',
  }),
  namespace: resourceName("Namespace of the child. Default: the caller's."),
  serviceAccount: resourceName('Service account of the child. Default: as the cluster says.'),
  timeout: duration("The child's timeout. Default, and most: what the caller has left."),
  labels: textMap('Labels of the child, as a YAML map.'),
  annotations: textMap('Annotations of the child, as a YAML map.'),
  runSpec: yaml(
    'A fragment of a PipelineRun spec that is merged in: taskRunSpecs, taskRunTemplate, timeouts and all the rest.',
    readRunSpec,
  ),
  ociWorkspaces: text(
    'Hand on by OCI images what is in workspaces that are bound to an emptyDir. Where they are pushed to, such as ghcr.io/team/$(context.run.name)-{{workspace}}:latest.',
  ),
  ociBase: text('The image that these workspaces begin with. Default: they begin empty.'),
  ociInsecure: words('Registries of these images that speak HTTP without TLS, by host and port.', { form: 'HOST,…' }),
  ociImages: text(
    "Images of the steps that pull and push, with {{step}} for the step's name, such as registry.local/subpipe/{{step}}:v1. Default: the released ones.",
  ),
  ociUser: text(
    "Who pull and push run as: a user ID, or image for whom the cluster says. Default: as the Task's own steps, or root.",
  ),
  maxDepth: integer('How many calls deep a chain of calls may be.', { default: '10', min: 1 }),
  source: text('The folder that file is read from.', { bound: '$(workspaces.source.path)' }),
};

function readCalls(value: unknown, where: string): ListedCall[] {
  const calls = listOf(value, where);
  if (calls.length === 0) throw invalid(`${where} must be a list of at least one call, but is empty`);
  return calls.map((call, index) => readCall(call, `${where}[${index}]`));
}

/** Params that a stub of a Pipeline has for itself begin with it: they are the step's own, and never go to the child. */
export const ownPrefix = 'subpipe-';

export type CallValues = ValuesOf<typeof callParams>;

/** What a single call does not take from its own params. */
export interface CallDefaults {
  retries: number;
  onFailure: Call['onFailure'];
}

/**
 * The calls that a step's params ask for: one, or the list `calls`.
 * @throws SubpipeError `INVALID` where there is no source, two, or a list beside params of a single call.
 */
export function callsOf(params: CallValues, caller: Caller | undefined, defaults: CallDefaults): Call[] {
  if (params.calls !== undefined) return withDefaults(params.calls, params, caller, defaults);
  const ociWorkspaces = wrapOf(params);
  const source = readSource(
    {
      ...(params.pipeline === undefined ? {} : { pipeline: params.pipeline }),
      ...(params.pipelineRef === undefined ? {} : { pipelineRef: params.pipelineRef }),
      ...(params.file === undefined ? {} : { file: params.file }),
      ...(params.run === undefined ? {} : { run: params.run }),
    },
    'the flags',
  );
  return [
    {
      name: nameOf(source, caller),
      source,
      params: givenParams(params, caller),
      workspaces: givenWorkspaces(params, caller),
      namespace: params.namespace,
      serviceAccount: params.serviceAccount,
      timeout: params.timeout,
      labels: params.labels ?? {},
      annotations: params.annotations ?? {},
      runSpec: params.runSpec ?? {},
      runAfter: [],
      ociWorkspaces,
      ...defaults,
    },
  ];
}

/** How workspaces are handed on, where that is asked for. @throws SubpipeError `INVALID` for options without a target. */
function wrapOf(params: CallValues): WrapOptions | undefined {
  const { ociWorkspaces, ociBase, ociInsecure, ociImages, ociUser } = params;
  return readWrapOptions(
    { target: ociWorkspaces, base: ociBase, insecure: ociInsecure, images: ociImages, user: ociUser },
    {
      target: '--oci-workspaces',
      base: '--oci-base',
      insecure: '--oci-insecure',
      images: '--oci-images',
      user: '--oci-user',
    },
  );
}

/** With a list, the flags of a single call are defaults for each; those that make no sense for all are refused. */
function withDefaults(
  calls: ListedCall[],
  params: CallValues,
  caller: Caller | undefined,
  defaults: CallDefaults,
): Call[] {
  const single: string[] = (['pipeline', 'pipelineRef', 'file', 'run', 'workspaces', 'runSpec'] as const)
    .filter((name) => params[name] !== undefined)
    .map(kebab);
  // The Task always says pass-params: it counts when there is something to pass.
  for (const { name } of givenParams(params, caller)) single.push(`param ${name}`);
  if (params.passWorkspaces !== 'none') single.push('pass-workspaces');
  if (single.length > 0) {
    throw invalid(`--calls has its own ${single.join(', ')}: give them in the list`);
  }
  const ociWorkspaces = wrapOf(params);
  return calls.map((call) => ({
    ...call,
    ociWorkspaces,
    retries: call.retries ?? defaults.retries,
    onFailure: call.onFailure ?? defaults.onFailure,
    namespace: call.namespace ?? params.namespace,
    serviceAccount: call.serviceAccount ?? params.serviceAccount,
    timeout: call.timeout ?? params.timeout,
    labels: { ...params.labels, ...call.labels },
    annotations: { ...params.annotations, ...call.annotations },
  }));
}

/** The calling pipeline task's name tells calls apart in logs; elsewhere the Pipeline's own. */
function nameOf(source: Source, caller: Caller | undefined): string {
  const task = caller?.run.metadata.labels?.['tekton.dev/pipelineTask'];
  if (task !== undefined) return task;
  if (source.kind === 'pipeline') return source.name;
  if (source.kind === 'ref') return source.ref.name ?? 'call';
  return source.kind === 'file' ? (source.pipeline ?? 'call') : source.run.metadata.name || 'call';
}

/** Words win over what is passed on from the TaskRun. */
function givenParams(params: CallValues, caller: Caller | undefined): GivenParam[] {
  const words = params.params.map(readParamWord);
  if (params.passParams === 'none') return words;
  if (caller === undefined)
    throw invalid('--pass-params needs a calling TaskRun, but there is none: expected to run as a step of a Task');
  const declared = new Set(caller.run.status?.taskSpec?.params?.map(({ name }) => name) ?? []);
  const passed = (caller.run.spec.params ?? []).filter(
    ({ name }) => !name.startsWith(ownPrefix) && (params.passParams === 'all' || !declared.has(name)),
  );
  return [...passed.filter(({ name }) => !words.some((word) => word.name === name)), ...words];
}

function givenWorkspaces(params: CallValues, caller: Caller | undefined): WorkspaceBinding[] {
  const own = params.workspaces ?? [];
  if (params.passWorkspaces === 'none') return own;
  if (caller === undefined)
    throw invalid('--pass-workspaces needs a calling TaskRun, but there is none: expected to run as a step of a Task');
  const passed = (caller.run.spec.workspaces ?? []).filter(({ name }) => !own.some((one) => one.name === name));
  return [...passed, ...own];
}

/** Stands for the caller in the names of its children. */
export function callerUidOf(caller: Caller | undefined): string {
  return caller?.run.metadata.uid ?? randomUUID();
}
