/** A Pipeline of one task that runs `script`, after sleeping in steps of a second. */
export function scriptPipeline(name: string, script: string, more = ''): string {
  return `
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: ${name}}
spec:
${more}
  tasks:
  - name: job
    taskSpec:
      results: [{name: out}]
      steps:
      - name: run
        image: SHELL_IMAGE
        command: [sh, -c, ${JSON.stringify(script)}]
`;
}

/** A script that runs for `seconds`, and ends at once when told to. */
export function sleeping(seconds: number): string {
  return `trap 'exit 143' TERM; echo started; i=0; while [ $i -lt ${seconds * 5} ]; do sleep 0.2; i=$((i+1)); done; echo slept`;
}

/** A parent with the tasks given as YAML flow or block list items, under the service account of the Task subpipe. */
export function parent(tasks: string, more = '', spec = ''): string {
  return `
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: main}
spec:
  taskRunTemplate: {serviceAccountName: subpipe}
${spec}
  pipelineSpec:
${more}
    tasks:
${tasks.replace(/^/gm, '    ')}
`;
}

/** One task that calls a Pipeline through the Task subpipe. */
export function call(name: string, params: Record<string, unknown>, more = ''): string {
  const list = Object.entries(params).map(([key, value]) => ({ name: key, value }));
  return `- name: ${name}\n  taskRef: {name: subpipe}\n  params: ${JSON.stringify(list)}\n${more.replace(/^(?=.)/gm, '  ')}`;
}

/** One task that prints its params, for what a parent sees. */
export function show(name: string, values: Record<string, string>): string {
  const params = Object.entries(values).map(([key, value]) => ({ name: key, value }));
  const line = Object.keys(values)
    .map((key) => `${key}=$(params.${key})`)
    .join(' ');
  return `- name: ${name}
  params: ${JSON.stringify(params)}
  taskSpec:
    params: ${JSON.stringify(Object.keys(values).map((key) => ({ name: key })))}
    steps: [{name: show, image: SHELL_IMAGE, command: [echo, ${JSON.stringify(line)}]}]`;
}

/** A task that runs only where a value is as given. */
export function when(task: string, input: string, value: string): string {
  return `${task}\n  when: [{input: ${input}, operator: in, values: [${value}]}]`;
}

/** The finally tasks of a {@link parent}. */
export function atTheEnd(tasks: string): string {
  return `    finally:\n${tasks.replace(/^/gm, '    ')}`;
}
