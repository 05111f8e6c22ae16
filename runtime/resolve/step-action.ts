import { type Fields, isFields } from '../shape.ts';
import type { PipelineSpec } from '../tekton/types.ts';
import type { Document } from './document.ts';

/**
 * Steps that name a StepAction of the repository, with it embedded (Tekton docs, stepactions.md; merged as Tekton's reconciler does).
 * A reference stays where that would change its meaning: it is given params other than text, or lacks one, or has a resolver.
 */
export function inlineSteps(spec: PipelineSpec, documents: readonly Document[]): PipelineSpec {
  const actions = documents.filter(({ kind }) => kind === 'StepAction');
  if (actions.length === 0) return spec;
  const task = <T extends { taskSpec?: Fields }>(one: T): T => {
    const { taskSpec } = one;
    if (!isFields(taskSpec) || !Array.isArray(taskSpec.steps)) return one;
    const steps = taskSpec.steps.map((step: unknown) => (isFields(step) ? inlined(step, actions) : step));
    return { ...one, taskSpec: { ...taskSpec, steps } };
  };
  return {
    ...spec,
    ...(spec.tasks === undefined ? {} : { tasks: spec.tasks.map(task) }),
    ...(spec.finally === undefined ? {} : { finally: spec.finally.map(task) }),
  };
}

function inlined(step: Fields, actions: readonly Document[]): Fields {
  const { ref, params, ...rest } = step;
  if (!isFields(ref) || typeof ref.name !== 'string' || (ref.resolver ?? '') !== '') return step;
  const action = actions.find(({ name }) => name === ref.name)?.object.spec;
  if (!isFields(action)) return step;
  const values = valuesOf(action.params, params);
  if (values === undefined) return step;
  const { params: _declared, description: _description, ...fields } = action;
  const merged = substituted(fields, values);
  return isFields(merged) ? { ...rest, ...merged } : step;
}

/** The value of each declared param; `undefined` where one is missing, unknown or no text. */
function valuesOf(declared: unknown, given: unknown): Map<string, string> | undefined {
  const values = new Map<string, string>();
  for (const param of Array.isArray(declared) ? declared : []) {
    if (!isFields(param) || typeof param.name !== 'string' || (param.type ?? 'string') !== 'string') return undefined;
    const own = Array.isArray(given) ? given.find((one) => isFields(one) && one.name === param.name) : undefined;
    const value = isFields(own) ? own.value : param.default;
    if (typeof value !== 'string') return undefined;
    values.set(param.name, value);
  }
  const known = (one: unknown) => isFields(one) && typeof one.name === 'string' && values.has(one.name);
  return Array.isArray(given) && !given.every(known) ? undefined : values;
}

/** `$(params.x)`, `$(params["x"])` and `$(params['x'])` replaced in all texts; in one pass, so that a value is not read again. */
function substituted(value: unknown, values: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') {
    return value.replace(
      /\$\(params(?:\.([\w.-]+)|\["([^"\]]+)"\]|\['([^'\]]+)'\])\)/g,
      (all, a?: string, b?: string, c?: string) => values.get(a ?? b ?? c ?? '') ?? all,
    );
  }
  if (Array.isArray(value)) return value.map((one) => substituted(one, values));
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, substituted(one, values)]));
}
