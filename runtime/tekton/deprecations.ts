import { type Fields, isFields } from '../shape.ts';

// Fields of v1beta1's steps that v1 does not have. Tekton's conversion keeps them in an annotation of the object that the Task belongs to,
// as JSON by the task's name (pkg/apis/pipeline/v1beta1/task_conversion.go), and so does this one.

export const deprecationsAnnotation = 'tekton.dev/v1beta1.task-deprecations';

/** In the order in which Tekton writes them. */
const stepFields = [
  'ports',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'terminationMessagePath',
  'terminationMessagePolicy',
  'stdin',
  'stdinOnce',
  'tty',
];

/** A step, or with `template` a stepTemplate, without its deprecated fields. */
export function withoutDeprecated(step: Fields, { template = false } = {}): Fields {
  const gone = template ? [...stepFields, 'name'] : stepFields;
  return Object.fromEntries(Object.entries(step).filter(([name]) => !gone.includes(name)));
}

/** Deprecated fields by the names of tasks, gathered while an object is converted. */
export class Deprecations {
  readonly #byTask: Record<string, Fields> = {};

  add(taskName: string, { steps, stepTemplate }: Fields): void {
    const list = Array.isArray(steps) ? steps.filter(isFields) : [];
    const template = isFields(stepTemplate) ? stepTemplate : undefined;
    const isUsed =
      list.some((step) => stepFields.some((name) => isSet(step[name]))) ||
      // A template's livenessProbe alone does not count in Tekton.
      ['name', ...stepFields].some((name) => name !== 'livenessProbe' && isSet(template?.[name]));
    if (!isUsed) return;
    this.#byTask[taskName] = {
      ...(list.length === 0 ? {} : { deprecatedSteps: list.map((step) => kept(step, '')) }),
      ...(template === undefined ? {} : { deprecatedStepTemplate: kept(template, template.name) }),
    };
  }

  /** The object's metadata with the annotation; unchanged where there is nothing to keep. */
  annotate(metadata: unknown): Fields | undefined {
    if (Object.keys(this.#byTask).length === 0) return undefined;
    const before = isFields(metadata) ? metadata : {};
    const annotations = isFields(before.annotations) ? before.annotations : {};
    const all = { ...parsed(annotations[deprecationsAnnotation]), ...this.#byTask };
    const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
    return { ...before, annotations: { ...annotations, [deprecationsAnnotation]: jsonOf(sorted) } };
  }
}

/** The other way: puts back what an annotation keeps, task by task. */
export class KeptDeprecations {
  readonly #byTask: Fields;

  constructor(annotation: unknown) {
    this.#byTask = parsed(annotation);
  }

  /** A task's spec with its deprecated fields again. They are taken out of what is kept. */
  restore(taskName: string, spec: Fields): Fields {
    const found = this.#byTask[taskName];
    if (!isFields(found)) return spec;
    const steps = Array.isArray(spec.steps) ? spec.steps : [];
    const old = Array.isArray(found.deprecatedSteps) ? found.deprecatedSteps : [];
    if (old.length !== steps.length) return spec;
    delete this.#byTask[taskName];
    const template = found.deprecatedStepTemplate;
    return {
      ...spec,
      ...(steps.length === 0 ? {} : { steps: steps.map((step, index) => back(step, old[index], stepFields)) }),
      ...(isFields(template) ? { stepTemplate: back(spec.stepTemplate ?? {}, template, ['name', ...stepFields]) } : {}),
    };
  }

  /** What no task has asked for, as the annotation says it; `undefined` for nothing. */
  get rest(): string | undefined {
    return Object.keys(this.#byTask).length === 0 ? undefined : jsonOf(this.#byTask);
  }
}

function back(now: unknown, then: unknown, names: readonly string[]): unknown {
  if (!isFields(now) || !isFields(then)) return now;
  return { ...now, ...Object.fromEntries(names.flatMap((name) => (isSet(then[name]) ? [[name, then[name]]] : []))) };
}

/** As Go writes a v1beta1 Step that has nothing else: its name and resources are never left out. */
function kept(step: Fields, name: unknown): Fields {
  const fields = (names: readonly string[]) => names.flatMap((one) => (isSet(step[one]) ? [[one, step[one]]] : []));
  return {
    name: typeof name === 'string' ? name : '',
    ...Object.fromEntries(fields(['ports'])),
    resources: {},
    ...Object.fromEntries(fields(stepFields.slice(1))),
  };
}

function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value !== undefined && value !== null && value !== '' && value !== false;
}

function parsed(annotation: unknown): Fields {
  if (typeof annotation !== 'string') return {};
  try {
    const value: unknown = JSON.parse(annotation);
    return isFields(value) ? value : {};
  } catch {
    return {};
  }
}

/** JSON as Go writes it: safe within HTML. */
function jsonOf(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
