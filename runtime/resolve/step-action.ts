import { type Fields, isFields } from '../shape.ts';
import { mapTexts } from '../tekton/texts.ts';
import type { PipelineSpec } from '../tekton/types.ts';
import type { Document, FieldPath } from './document.ts';

/** A step's reference, and where it is in the run's `pipelineSpec`. */
export interface StepRef {
  ref: Fields;
  at: FieldPath;
}

/**
 * Steps that name a StepAction which `find` knows, with it embedded (Tekton docs, stepactions.md; merged as Tekton's reconciler does).
 * A reference stays where that would change its meaning: it is given params other than text, or lacks one.
 */
export async function inlineSteps(
  spec: PipelineSpec,
  find: (step: StepRef) => Promise<Document | undefined>,
): Promise<PipelineSpec> {
  const inlineTask = async <T extends { taskSpec?: Fields }>(one: T, at: FieldPath): Promise<T> => {
    const { taskSpec } = one;
    if (!isFields(taskSpec) || !Array.isArray(taskSpec.steps) || !taskSpec.steps.some(hasRef)) return one;
    const steps = await Promise.all(
      taskSpec.steps.map(async (step: unknown, index) => {
        if (!isFields(step) || !isFields(step.ref)) return step;
        const action = await find({ ref: step.ref, at: [...at, 'taskSpec', 'steps', index, 'ref'] });
        return action === undefined ? step : inlined(step, action);
      }),
    );
    return { ...one, taskSpec: { ...taskSpec, steps } };
  };
  const isAny = [...(spec.tasks ?? []), ...(spec.finally ?? [])].some(
    ({ taskSpec }) => isFields(taskSpec) && Array.isArray(taskSpec.steps) && taskSpec.steps.some(hasRef),
  );
  if (!isAny) return spec;
  const inlineAll = (list: 'tasks' | 'finally') =>
    Promise.all((spec[list] ?? []).map((one, index) => inlineTask(one, [list, index])));
  return {
    ...spec,
    ...(spec.tasks === undefined ? {} : { tasks: await inlineAll('tasks') }),
    ...(spec.finally === undefined ? {} : { finally: await inlineAll('finally') }),
  };
}

function hasRef(step: unknown): boolean {
  return isFields(step) && isFields(step.ref);
}

function inlined(step: Fields, { object }: Document): Fields {
  const { ref: _ref, params, ...rest } = step;
  const action = object.spec;
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
  return mapTexts(value, (text) =>
    text.replace(
      /\$\(params(?:\.([\w.-]+)|\["([^"\]]+)"\]|\['([^'\]]+)'\])\)/g,
      (all, a?: string, b?: string, c?: string) => values.get(a ?? b ?? c ?? '') ?? all,
    ),
  );
}
