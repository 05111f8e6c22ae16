/** YAML of Tekton objects, as short as it goes. */
export interface Head {
  apiVersion?: string;
  annotations?: Readonly<Record<string, string>>;
  labels?: Readonly<Record<string, string>>;
}

function head(kind: string, name: string, { apiVersion = 'tekton.dev/v1', annotations, labels }: Head): string {
  const map = (title: string, entries: Readonly<Record<string, string>> | undefined): string =>
    entries === undefined
      ? ''
      : `  ${title}:\n${Object.entries(entries)
          .map(([key, value]) => `    ${key}: ${JSON.stringify(value)}\n`)
          .join('')}`;
  return `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n${map('annotations', annotations)}${map('labels', labels)}`;
}

/** A Task of one step that prints `says`. `more` are lines of its spec. */
export function task(name: string, says = name, more = '', options: Head = {}): string {
  const step = `  steps:\n    - name: say\n      image: busybox\n      script: |\n        echo ${says}\n`;
  return `${head('Task', name, options)}spec:\n${more}${step}`;
}

/** A Pipeline whose `tasks` are lines of YAML, or names of Tasks. */
export function pipeline(name: string, tasks: string | readonly string[], more = '', options: Head = {}): string {
  return `${head('Pipeline', name, options)}spec:\n${more}  tasks:\n${indent(tasksOf(tasks), 4)}`;
}

/** A PipelineRun that names a Pipeline. */
export function runOf(name: string, of: string, options: Head = {}, more = ''): string {
  return `${head('PipelineRun', name, options)}spec:\n${more}  pipelineRef:\n    name: ${of}\n`;
}

/** A PipelineRun with its Pipeline in it. */
export function run(name: string, tasks: string | readonly string[], options: Head = {}, more = ''): string {
  return `${head('PipelineRun', name, options)}spec:\n${more}  pipelineSpec:\n    tasks:\n${indent(tasksOf(tasks), 6)}`;
}

function tasksOf(tasks: string | readonly string[]): string {
  if (typeof tasks === 'string') return tasks;
  return tasks.map((name) => `- name: ${name}\n  taskRef:\n    name: ${name}\n`).join('');
}

export function indent(text: string, by: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(by));
}
