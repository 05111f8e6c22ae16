import { commonParams } from './flags.ts';
import { commandOf, imageOf } from './image.ts';
import { kebab, type Param, type Params } from './params.ts';
import type { Result } from './results.ts';
import type { StepDefinition } from './step.ts';
import { version } from './version.ts';

// The Kubernetes objects that follow from a step's definition. They are generated into tasks/, and CI fails on a diff.

type Manifest = Record<string, unknown>;

export interface ManifestOptions {
  /** The step's image; default is this release's. */
  image?: string;
  /** The command in the image; default is where our images have the step. */
  command?: string[];
}

const minVersion = '1.9.0';

/** Params of the Task: those of the step that are not bound to something fixed, and the logging ones. */
function taskParams(step: StepDefinition): Params {
  return Object.fromEntries(
    Object.entries({ ...step.params, ...commonParams }).filter(([, param]) => param.bound === undefined),
  );
}

/** The Task of a step (Tekton docs, tasks.md). */
export function taskOf(step: StepDefinition, options: ManifestOptions = {}): Manifest {
  const bound = Object.entries(step.params).flatMap(([name, { bound: value }]) => {
    return value === undefined || value === '' ? [] : [`--${kebab(name)}=${value}`];
  });
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'Task',
    metadata: {
      name: step.name,
      labels: { 'app.kubernetes.io/version': version },
      annotations: {
        'tekton.dev/pipelines.minVersion': minVersion,
        'tekton.dev/displayName': step.name,
        'tekton.dev/categories': 'Integration & Delivery',
        'tekton.dev/tags': 'subpipe',
        'tekton.dev/platforms': 'linux/amd64,linux/arm64',
      },
    },
    spec: {
      description: describe(step),
      params: specsOf(taskParams(step)),
      ...(step.workspaces === undefined ? {} : { workspaces: workspacesOf(step) }),
      results: resultsOf(step),
      steps: [{ name: step.name, ...container(step, options, 'results', [...argsOf(taskParams(step)), ...bound]) }],
    },
  };
}

/** The StepAction of a step (Tekton docs, stepactions.md): the same container, as a step of any Task. */
export function stepActionOf(step: StepDefinition, options: ManifestOptions = {}): Manifest {
  const params = { ...step.params, ...commonParams };
  return {
    apiVersion: 'tekton.dev/v1beta1',
    kind: 'StepAction',
    metadata: { name: step.name, labels: { 'app.kubernetes.io/version': version } },
    spec: {
      description: describe(step),
      params: specsOf(params),
      results: resultsOf(step),
      ...container(step, options, 'step.results', argsOf(params)),
    },
  };
}

/** Service account, Role and RoleBinding with what the step needs and nothing more. */
export function rbacOf(step: StepDefinition): Manifest[] {
  if (step.rbac === undefined) return [];
  const { name } = step;
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name },
      rules: step.rbac.map((rule) => ({ ...rule })),
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name }],
    },
  ];
}

function describe(step: StepDefinition): string {
  return step.description === undefined ? step.summary : `${step.summary}\n\n${step.description}`;
}

function specsOf(params: Params): Manifest[] {
  return Object.entries(params).map(([name, param]) => ({
    name: kebab(name),
    type: param.type,
    description: param.description,
    // A Task cannot leave a flag out, so an empty value means "not given" (see parseFlags).
    ...(param.required ? {} : { default: param.default ?? '' }),
  }));
}

function argsOf(params: Params): string[] {
  const flags = Object.entries(params).filter(([, param]) => param.type === 'string');
  return flags.map(([name]) => `--${kebab(name)}=$(params.${kebab(name)})`);
}

function container(step: StepDefinition, options: ManifestOptions, results: string, args: string[]): Manifest {
  const list = Object.entries(step.params).find(([, param]: [string, Param<unknown>]) => param.type === 'array');
  const env = Object.entries(step.podFields ?? {}).map(([name, fieldPath]) => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  }));
  return {
    image: options.image ?? imageOf(step.name),
    command: options.command ?? commandOf(step.name),
    args: [
      ...args,
      ...Object.keys(step.results).map((name) => `--result.${kebab(name)}=$(${results}.${kebab(name)}.path)`),
      ...(list === undefined ? [] : ['--', `$(params.${kebab(list[0])}[*])`]),
    ],
    ...(env.length === 0 ? {} : { env }),
    securityContext: {
      ...(step.podUser === true ? {} : { runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532 }),
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}

function resultsOf(step: StepDefinition): Manifest[] {
  return Object.entries(step.results).map(([name, result]: [string, Result]) => ({
    name: kebab(name),
    type: result.type,
    description: result.description,
    ...(result.properties === undefined
      ? {}
      : { properties: Object.fromEntries(result.properties.map((key) => [key, {}])) }),
  }));
}

/** Whether a flag that the step cannot do without is bound to this workspace: then Tekton is to ask for it. */
export function isNeeded(step: StepDefinition, workspace: string): boolean {
  return Object.values(step.params).some(
    ({ required, bound }) => required && bound === `$(workspaces.${workspace}.path)`,
  );
}

function workspacesOf(step: StepDefinition): Manifest[] {
  return Object.entries(step.workspaces ?? {}).map(([name, workspace]) => ({
    name,
    description: workspace.description,
    ...(isNeeded(step, name) ? {} : { optional: true }),
    ...(workspace.readOnly === true ? { readOnly: true } : {}),
  }));
}
