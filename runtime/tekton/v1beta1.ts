import { type Fields, isFields } from '../shape.ts';
import { Deprecations, deprecationsAnnotation, KeptDeprecations, withoutDeprecated } from './deprecations.ts';
import type { Kind } from './shapes.ts';

// Conversion between tekton.dev/v1beta1 and v1 as Tekton's webhook does it (docs/migrating-v1beta1-to-v1.md).

/** Where Tekton keeps v1beta1's `resources`, which v1 does not have. */
const resourcesAnnotation = 'tekton.dev/v1beta1Resources';

/** An object of v1beta1 as one of v1. A StepAction stays as it is: its newest version is v1beta1. */
export function toV1(object: Fields, kind: Kind): Fields {
  if (kind === 'StepAction') return object;
  const spec = isFields(object.spec) ? object.spec : {};
  const { resources, ...rest } = spec;
  const gone = new Deprecations();
  const name = isFields(object.metadata) && typeof object.metadata.name === 'string' ? object.metadata.name : '';
  const converted =
    kind === 'Task' ? taskSpec(rest, name, gone) : kind === 'Pipeline' ? pipelineSpec(rest, gone) : runSpec(rest, gone);
  const whole = { ...object, ...kept(object, resources) };
  const metadata = gone.annotate(whole.metadata) ?? whole.metadata;
  return { ...whole, apiVersion: 'tekton.dev/v1', ...optional('metadata', metadata), spec: converted };
}

/**
 * An object of v1 with its references to Tekton bundles as resolvers. v1 has no `bundle`: it is left over from v1beta1, and Tekton would
 * take the reference for one by name.
 */
export function withoutBundles(object: Fields, kind: Kind): Fields {
  const pipeline = (spec: Fields): Fields => {
    const task = (one: Fields): Fields => ({ ...one, ...mapped(one, 'taskRef', (ref) => reference(ref, 'Task')) });
    return { ...spec, ...listed(spec, 'tasks', task), ...listed(spec, 'finally', task) };
  };
  if (kind === 'Pipeline') return { ...object, ...mapped(object, 'spec', pipeline) };
  if (kind !== 'PipelineRun') return object;
  return {
    ...object,
    ...mapped(object, 'spec', (spec) => ({
      ...spec,
      ...mapped(spec, 'pipelineRef', (ref) => reference(ref, 'Pipeline')),
      ...mapped(spec, 'pipelineSpec', pipeline),
    })),
  };
}

function kept(object: Fields, resources: unknown): Fields {
  if (resources === undefined) return {};
  const metadata = isFields(object.metadata) ? object.metadata : {};
  const annotations = isFields(metadata.annotations) ? metadata.annotations : {};
  return {
    metadata: { ...metadata, annotations: { ...annotations, [resourcesAnnotation]: JSON.stringify(resources) } },
  };
}

function runSpec({ serviceAccountName, podTemplate, timeout, ...spec }: Fields, gone: Deprecations): Fields {
  const template = { ...optional('serviceAccountName', serviceAccountName), ...optional('podTemplate', podTemplate) };
  return {
    ...spec,
    ...mapped(spec, 'pipelineRef', (ref) => reference(ref, 'Pipeline')),
    ...mapped(spec, 'pipelineSpec', (one) => pipelineSpec(one, gone)),
    ...(timeout === undefined ? {} : { timeouts: { pipeline: timeout } }),
    ...(Object.keys(template).length === 0 ? {} : { taskRunTemplate: template }),
    ...listed(spec, 'taskRunSpecs', (one) => {
      const { taskServiceAccountName, taskPodTemplate, stepOverrides, sidecarOverrides, ...rest } = one;
      return {
        ...rest,
        ...optional('serviceAccountName', taskServiceAccountName),
        ...optional('podTemplate', taskPodTemplate),
        ...optional('stepSpecs', overrides(stepOverrides)),
        ...optional('sidecarSpecs', overrides(sidecarOverrides)),
      };
    }),
  };
}

function overrides(value: unknown): unknown {
  return Array.isArray(value) ? value.map((one) => (isFields(one) ? renamed(one) : one)) : value;
}

function pipelineSpec({ resources: _resources, ...spec }: Fields, gone: Deprecations): Fields {
  const task = (one: Fields): Fields => {
    const { resources: _bound, conditions: _conditions, ...rest } = one;
    return {
      ...rest,
      ...mapped(rest, 'taskRef', (ref) => reference(ref, 'Task')),
      ...mapped(rest, 'taskSpec', (spec) => taskSpec(spec, typeof rest.name === 'string' ? rest.name : '', gone)),
    };
  };
  return {
    ...spec,
    ...listed(spec, 'params', paramSpec),
    ...listed(spec, 'tasks', task),
    ...listed(spec, 'finally', task),
  };
}

function taskSpec({ resources: _resources, ...spec }: Fields, name: string, gone: Deprecations): Fields {
  gone.add(name, spec);
  return {
    ...spec,
    ...listed(spec, 'params', paramSpec),
    ...listed(spec, 'steps', (step) => renamed(withoutDeprecated(step))),
    ...listed(spec, 'sidecars', renamed),
    ...mapped(spec, 'stepTemplate', (step) => renamed(withoutDeprecated(step, { template: true }))),
  };
}

/** v1beta1's webhook gives each param a type; so does its conversion. */
function paramSpec(param: Fields): Fields {
  if (param.type !== undefined) return param;
  const type =
    param.properties !== undefined || isFields(param.default)
      ? 'object'
      : Array.isArray(param.default)
        ? 'array'
        : 'string';
  return { ...param, type };
}

/** A Tekton bundle is a resolver in v1 (docs/migrating-v1beta1-to-v1.md "Replacing taskRef.bundle"). */
function reference(ref: Fields, kind: string): Fields {
  const { bundle, ...rest } = ref;
  if (typeof bundle !== 'string' || bundle === '') return rest;
  const params = [
    { name: 'bundle', value: bundle },
    { name: 'name', value: rest.name ?? '' },
    { name: 'kind', value: kind },
  ];
  return { resolver: 'bundles', params };
}

/** v1 says `computeResources` for a container's `resources`. */
function renamed({ resources, ...rest }: Fields): Fields {
  return { ...rest, ...optional('computeResources', resources) };
}

/** A PipelineRun of v1 as one of v1beta1. */
export function runToV1beta1(run: Fields): Fields {
  const { taskRunTemplate, ...spec } = isFields(run.spec) ? run.spec : {};
  const template = isFields(taskRunTemplate) ? taskRunTemplate : {};
  const back = (value: unknown) =>
    Array.isArray(value) ? value.map((one) => (isFields(one) ? container(one) : one)) : value;
  const deprecations = new KeptDeprecations(annotationsOf(run)[deprecationsAnnotation]);
  const pipeline = mapped(spec, 'pipelineSpec', (one) => pipelineBack(one, deprecations));
  return {
    ...run,
    apiVersion: 'tekton.dev/v1beta1',
    ...restored(run, deprecations.rest),
    spec: {
      ...spec,
      ...restoredResources(run),
      ...optional('serviceAccountName', template.serviceAccountName),
      ...optional('podTemplate', template.podTemplate),
      ...pipeline,
      ...listed(spec, 'taskRunSpecs', ({ serviceAccountName, podTemplate, stepSpecs, sidecarSpecs, ...rest }) => ({
        ...rest,
        ...optional('taskServiceAccountName', serviceAccountName),
        ...optional('taskPodTemplate', podTemplate),
        ...optional('stepOverrides', back(stepSpecs)),
        ...optional('sidecarOverrides', back(sidecarSpecs)),
      })),
    },
  };
}

function annotationsOf(run: Fields): Fields {
  return isFields(run.metadata) && isFields(run.metadata.annotations) ? run.metadata.annotations : {};
}

function restored(run: Fields, deprecations: string | undefined): Fields {
  const { [resourcesAnnotation]: _resources, [deprecationsAnnotation]: _all, ...annotations } = annotationsOf(run);
  if (!isFields(run.metadata) || run.metadata.annotations === undefined) return {};
  return {
    metadata: { ...run.metadata, annotations: { ...annotations, ...optional(deprecationsAnnotation, deprecations) } },
  };
}

function restoredResources(run: Fields): Fields {
  const text = annotationsOf(run)[resourcesAnnotation];
  return typeof text === 'string' ? { resources: JSON.parse(text) } : {};
}

function pipelineBack(spec: Fields, deprecations: KeptDeprecations): Fields {
  const task = (one: Fields): Fields => ({
    ...one,
    ...mapped(one, 'taskSpec', (inner) => deprecations.restore(String(one.name ?? ''), taskBack(inner))),
  });
  return {
    ...spec,
    ...listed(spec, 'params', paramSpec),
    ...listed(spec, 'tasks', task),
    ...listed(spec, 'finally', task),
  };
}

function taskBack(spec: Fields): Fields {
  return {
    ...spec,
    ...listed(spec, 'params', paramSpec),
    ...listed(spec, 'steps', container),
    ...listed(spec, 'sidecars', container),
    ...mapped(spec, 'stepTemplate', container),
  };
}

function container({ computeResources, ...rest }: Fields): Fields {
  return { ...rest, ...optional('resources', computeResources) };
}

function optional(name: string, value: unknown): Fields {
  return value === undefined ? {} : { [name]: value };
}

function mapped(object: Fields, name: string, change: (value: Fields) => Fields): Fields {
  const value = object[name];
  return isFields(value) ? { [name]: change(value) } : {};
}

function listed(object: Fields, name: string, change: (value: Fields) => Fields): Fields {
  const value = object[name];
  return Array.isArray(value) ? { [name]: value.map((one) => (isFields(one) ? change(one) : one)) } : {};
}
