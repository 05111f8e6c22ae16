import { invalid } from '../../runtime/errors.ts';
import { isFields } from '../../runtime/shape.ts';
import type { ParamType, PipelineSpec, PipelineTask, ResultSpec, TaskSpec } from '../../runtime/tekton/types.ts';

/** Looks up the Task that a pipeline task refers to. Gives why in words where it cannot be had. */
export type FindTask = (task: PipelineTask) => Promise<TaskSpec | string>;

/** A result that consists of nothing but a whole result of a task: `$(tasks.unit.results.totals[*])`. */
interface Whole {
  task: string;
  result: string;
}

const whole =
  /^\$\((?:tasks|finally)\.(?<task>[^.]+)\.results(?:\.(?<plain>[^[\]'"]+)|\[['"](?<quoted>[^'"]+)['"]\])\[\*\]\)$/;

/**
 * A Pipeline's result as a Task declares it: with its type, and with its keys where it is an object. A Pipeline may leave
 * both out (docs/pipelines.md "Emitting Results from a Pipeline"); they follow from its value.
 *
 * @throws SubpipeError `INVALID` where they cannot be known.
 */
export async function taskResultOf(result: ResultSpec, spec: PipelineSpec, find: FindTask): Promise<ResultSpec> {
  const { name, description, type, value } = result;
  const described = { name, ...(description ? { description } : {}) };
  if (isFields(value)) return { ...described, type: 'object', properties: propertiesOf(Object.keys(value)) };
  if (Array.isArray(value) || type === 'array') return { ...described, type: 'array' };
  const source = wholeOf(value ?? '');
  if (type === 'string' || (source === undefined && type !== 'object')) return { ...described, type: 'string' };
  const known = source === undefined ? `its value is ${JSON.stringify(value)}` : await typeOfSource(source, spec, find);
  if (typeof known === 'string') {
    throw invalid(`the ${type === 'object' ? 'keys' : 'type'} of the result ${name} cannot be known: ${known}`, {
      hint:
        type === 'object'
          ? 'Write its value in the Pipeline as an object, such as {key: $(tasks.NAME.results.RESULT.key)}.'
          : 'Write its type in the Pipeline: array, or object with an object as its value.',
    });
  }
  return { ...described, ...known };
}

function wholeOf(value: string): Whole | undefined {
  const { task, plain, quoted } = whole.exec(value)?.groups ?? {};
  const result = plain ?? quoted;
  return task === undefined || result === undefined ? undefined : { task, result };
}

type Known = { type: ParamType; properties?: Record<string, { type?: string }> };

/** What the task's own result is, or why that cannot be known. */
async function typeOfSource({ task, result }: Whole, spec: PipelineSpec, find: FindTask): Promise<Known | string> {
  const found = [...(spec.tasks ?? []), ...(spec.finally ?? [])].find(({ name }) => name === task);
  if (found === undefined) return `the Pipeline has no task ${task}`;
  // A matrix gives one value for each of its runs.
  if (found.matrix !== undefined) return { type: 'array' };
  const taskSpec = await find(found);
  if (typeof taskSpec === 'string') return taskSpec;
  const declared = taskSpec.results?.find(({ name }) => name === result);
  if (declared === undefined) return `the Task of ${task} has no result ${result}`;
  if (declared.properties === undefined) return { type: declared.type ?? 'string' };
  return { type: 'object', properties: propertiesOf(Object.keys(declared.properties)) };
}

/** Keys as Tekton's webhook writes them down, in one order wherever they come from. */
export function propertiesOf(keys: readonly string[]): Record<string, { type: string }> {
  return Object.fromEntries([...keys].sort().map((key) => [key, { type: 'string' }]));
}
