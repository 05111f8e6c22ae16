/** YAML of the objects that tests resolve. */

const prefix = 'pipelinesascode.tekton.dev';

const annotated = (annotations: Record<string, string>): string => {
  const lines = Object.entries(annotations).map(
    ([key, value]) => `    ${key.includes('/') ? key : `${prefix}/${key}`}: ${JSON.stringify(value)}\n`,
  );
  return lines.length === 0 ? '' : `  annotations:\n${lines.join('')}`;
};

/** A PipelineRun. @param annotations of Pipelines-as-Code, without its prefix. @param spec in YAML's flow style. */
export const runOf = (annotations: Record<string, string>, spec: string, name = 'main'): string =>
  `apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata:\n  name: ${name}\n${annotated(annotations)}spec: ${spec}\n`;

/** @param tasks in YAML's flow style. */
export const pipelineOf = (name: string, tasks: string, annotations: Record<string, string> = {}): string =>
  `apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata:\n  name: ${name}\n${annotated(annotations)}spec: {tasks: ${tasks}}\n`;

/** A Task that is told from others by its image. */
export const taskOf = (name: string, image: string): string =>
  `apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: ${name}}\nspec: {steps: [{name: s, image: ${image}}]}\n`;

/** The spec of a run with tasks that name these Tasks. */
export const naming = (...names: string[]): string =>
  `{pipelineSpec: {tasks: [${names.map((name) => `{name: ${name}, taskRef: {name: ${name}}}`).join(', ')}]}}`;
