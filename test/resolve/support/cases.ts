/** A mistake in a PipelineRun: what is written at a path, and what is said about it. */
export interface BadCase {
  title: string;
  /** Values by path (`/` between its parts); undefined takes the field away. */
  edit: Record<string, unknown>;
  says: RegExp;
  /** Where: the path of the finding. */
  at: string;
  /** Who refuses it: Tekton's webhook (or the API server, or both), Tekton as the run starts, or nobody (a warning). */
  refused: 'webhook' | 'api' | 'start' | 'never';
}

/** A run that nothing is wrong with. */
export const good = `apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  generateName: build-
  labels: { app: demo }
spec:
  params:
    - name: repo
      value: https://example.com/a.git
    - name: flags
      value: [-v, --all]
    - name: image
      value: { host: example.com, tag: one }
  workspaces:
    - name: source
      emptyDir: {}
  timeouts: { pipeline: 1h, tasks: 50m }
  taskRunSpecs:
    - pipelineTaskName: fetch
  pipelineSpec:
    params:
      - { name: repo, type: string }
      - { name: flags, type: array }
      - name: image
        type: object
        properties: { host: { type: string }, tag: { type: string } }
    workspaces:
      - { name: source }
    results:
      - { name: commit, value: $(tasks.fetch.results.commit) }
    tasks:
      - name: fetch
        params:
          - { name: url, value: $(params.repo) }
        workspaces:
          - { name: output, workspace: source }
        taskSpec:
          params: [{ name: url }]
          results: [{ name: commit }, { name: files, type: array }]
          workspaces: [{ name: output }]
          steps:
            - name: clone
              image: git
              workingDir: $(workspaces.output.path)
              script: git clone $(params.url) && git rev-parse HEAD > $(results.commit.path)
      - name: build
        runAfter: [fetch]
        when: [{ input: $(params.image.tag), operator: in, values: [one, two] }]
        params:
          - { name: commit, value: $(tasks.fetch.results.commit) }
          - { name: flags, value: ["$(params.flags[*])", -q] }
        taskSpec:
          params: [{ name: commit }, { name: flags, type: array }]
          steps:
            - name: build
              image: $(params.image.host)/builder
              command: [build]
              args: ["$(params.flags[*])", $(params.commit), "$(context.taskRun.name)"]
    finally:
      - name: report
        params:
          - { name: status, value: $(tasks.build.status) }
        taskSpec:
          params: [{ name: status }]
          steps: [{ name: say, image: busybox, script: echo $(params.status) }]
`;

const spec = 'spec/pipelineSpec';
const fetch = `${spec}/tasks/0`;
const build = `${spec}/tasks/1`;
const report = `${spec}/finally/0`;
const clone = `${fetch}/taskSpec/steps/0`;

const bad = (
  refused: BadCase['refused'],
  title: string,
  edit: Record<string, unknown>,
  at: string,
  says: RegExp,
): BadCase => ({ title, edit, says, at, refused });

export const badCases: readonly BadCase[] = [
  // the run
  bad(
    'webhook',
    'neither pipelineRef nor pipelineSpec',
    { [spec]: undefined, 'spec/taskRunSpecs': undefined },
    'spec',
    /has neither/,
  ),
  bad('webhook', 'pipelineRef beside pipelineSpec', { 'spec/pipelineRef': { name: 'p' } }, 'spec', /has both/),
  bad(
    'webhook',
    'a name that is none',
    { 'metadata/name': 'Build_1' },
    'metadata.name',
    /"Build_1" cannot be the name/,
  ),
  bad(
    'api',
    'a label that is too long',
    { 'metadata/labels/app': 'a'.repeat(64) },
    'metadata.labels.app',
    /at most 63/,
  ),
  bad('webhook', 'an unknown status', { 'spec/status': 'Stopped' }, 'spec.status', /must be one of Cancelled/),
  bad(
    'start',
    'a param that is missing',
    { 'spec/params/0/name': 'repos' },
    'spec.params',
    /gives no param repo, .* did you mean repos\?/,
  ),
  bad(
    'start',
    'a param of the wrong type',
    { 'spec/params/1/value': 'x' },
    'spec.params[1].value',
    /as a string, but its Pipeline declares an array/,
  ),
  bad(
    'webhook',
    'a param given twice',
    { 'spec/params/1/name': 'Repo' },
    'spec.params[1]',
    /gives the param repo twice/,
  ),
  bad(
    'start',
    'an object without one of its keys',
    { 'spec/params/2/value': { host: 'a' } },
    'spec.params[2].value',
    /lacks the key tag/,
  ),
  bad(
    'webhook',
    'a result in a param of the run',
    { 'spec/params/0/value': '$(tasks.fetch.results.commit)' },
    'spec.params[0].value',
    /no task has run before/,
  ),
  bad(
    'webhook',
    'timeouts that do not fit',
    { 'spec/timeouts/tasks': '2h' },
    'spec.timeouts.tasks',
    /must not be longer/,
  ),
  bad(
    'webhook',
    'a timeout that is none',
    { 'spec/timeouts/tasks': '5 minutes' },
    'spec.timeouts.tasks',
    /must be a duration/,
  ),
  bad(
    'webhook',
    'a timeout below zero',
    { 'spec/timeouts/tasks': '-5m' },
    'spec.timeouts.tasks',
    /must not be below 0/,
  ),
  bad(
    'start',
    'a workspace that is missing',
    { 'spec/workspaces/0/name': 'sources' },
    'spec.workspaces',
    /binds no workspace source, .* did you mean sources\?/,
  ),
  bad(
    'webhook',
    'a workspace with two sources',
    { 'spec/workspaces/0/secret': { secretName: 's' } },
    'spec.workspaces[0]',
    /must have one source/,
  ),
  bad(
    'webhook',
    'a workspace without a source',
    { 'spec/workspaces/0/emptyDir': undefined },
    'spec.workspaces[0]',
    /has none/,
  ),
  bad(
    'webhook',
    'a claim without a name',
    { 'spec/workspaces/0': { name: 'source', persistentVolumeClaim: {} } },
    'spec.workspaces[0].persistentVolumeClaim',
    /needs claimName/,
  ),
  bad(
    'start',
    'taskRunSpecs of no task',
    { 'spec/taskRunSpecs/0/pipelineTaskName': 'fetsh' },
    'spec.taskRunSpecs[0]',
    /did you mean fetch\?/,
  ),
  // fields
  bad(
    'webhook',
    'an unknown field',
    { [`${fetch}/taskReff`]: { name: 'a' } },
    'spec.pipelineSpec.tasks[0].taskReff',
    /did you mean taskRef\?/,
  ),
  bad(
    'webhook',
    'an unknown field of a step',
    { [`${clone}/scripts`]: 'x' },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[0].scripts',
    /did you mean script\?/,
  ),
  bad(
    'never',
    'a field in the wrong case',
    { [`${clone}/Script`]: 'x' },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[0].Script',
    /did you mean script\?/,
  ),
  bad(
    'webhook',
    'a number for a text',
    { [`${clone}/image`]: 5 },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[0].image',
    /must be a text/,
  ),
  bad(
    'webhook',
    'a text for a number',
    { [`${fetch}/retries`]: '2' },
    'spec.pipelineSpec.tasks[0].retries',
    /must be a whole number/,
  ),
  bad(
    'webhook',
    'a text for a list',
    { [`${build}/runAfter`]: 'fetch' },
    'spec.pipelineSpec.tasks[1].runAfter',
    /must be a list/,
  ),
  // the Pipeline
  bad(
    'webhook',
    'a task name that is none',
    { [`${fetch}/name`]: 'Fetch' },
    'spec.pipelineSpec.tasks[0].name',
    /"Fetch" cannot be the name/,
  ),
  bad(
    'webhook',
    'two tasks of one name',
    { [`${report}/name`]: 'fetch' },
    'spec.pipelineSpec.finally[0].name',
    /two tasks .* fetch/,
  ),
  bad(
    'webhook',
    'taskRef beside taskSpec',
    { [`${fetch}/taskRef`]: { name: 'a' } },
    'spec.pipelineSpec.tasks[0]',
    /has taskRef and taskSpec/,
  ),
  bad(
    'webhook',
    'neither taskRef nor taskSpec',
    { [`${report}/taskSpec`]: undefined },
    'spec.pipelineSpec.finally[0]',
    /has neither/,
  ),
  bad(
    'webhook',
    'a resolver with a name',
    { [`${report}/taskSpec`]: undefined, [`${report}/taskRef`]: { resolver: 'git', name: 'a' } },
    'spec.pipelineSpec.finally[0].taskRef.name',
    /in params, not by name/,
  ),
  bad(
    'webhook',
    'a custom task without apiVersion',
    { [`${report}/taskSpec`]: undefined, [`${report}/taskRef`]: { kind: 'Wait', name: 'a' } },
    'spec.pipelineSpec.finally[0].taskRef.apiVersion',
    /needs an apiVersion/,
  ),
  bad(
    'webhook',
    'a circle',
    { [`${fetch}/runAfter`]: ['build'] },
    'spec.pipelineSpec.tasks[0].runAfter[0]',
    /circle: fetch → build → fetch/,
  ),
  bad(
    'webhook',
    'runAfter of no task',
    { [`${build}/runAfter`]: ['fetsh'] },
    'spec.pipelineSpec.tasks[1].runAfter[0]',
    /no such task, did you mean fetch\?/,
  ),
  bad(
    'webhook',
    'runAfter in finally',
    { [`${report}/runAfter`]: ['fetch'] },
    'spec.pipelineSpec.finally[0].runAfter',
    /expected no runAfter/,
  ),
  bad(
    'webhook',
    'finally without tasks',
    {
      [`${spec}/tasks`]: [],
      'spec/taskRunSpecs': [],
      [`${spec}/results`]: [],
      [`${report}/params`]: [{ name: 'status', value: 'x' }],
    },
    'spec.pipelineSpec.finally',
    /but no tasks/,
  ),
  bad(
    'webhook',
    'a when without operator',
    { [`${build}/when/0/operator`]: undefined },
    'spec.pipelineSpec.tasks[1].when[0].operator',
    /must be in or notin/,
  ),
  bad(
    'webhook',
    'a when without values',
    { [`${build}/when/0/values`]: [] },
    'spec.pipelineSpec.tasks[1].when[0].values',
    /not empty/,
  ),
  bad(
    'webhook',
    'onError of another word',
    { [`${build}/onError`]: 'ignore' },
    'spec.pipelineSpec.tasks[1].onError',
    /continue or stopAndFail/,
  ),
  bad(
    'webhook',
    'onError: continue with retries',
    { [`${build}/onError`]: 'continue', [`${build}/retries`]: 1 },
    'spec.pipelineSpec.tasks[1].onError',
    /cannot have retries/,
  ),
  bad(
    'start',
    'a required param of a Task',
    { [`${build}/params/0/name`]: 'comit' },
    'spec.pipelineSpec.tasks[1]',
    /gives no param commit, .* did you mean comit\?/,
  ),
  bad(
    'start',
    'a list for a Task that wants a text',
    { [`${build}/params/0/value`]: ['a'] },
    'spec.pipelineSpec.tasks[1].params[0].value',
    /as an array, but its Task declares a string/,
  ),
  bad(
    'webhook',
    'a declared param twice',
    { [`${spec}/params/1/name`]: 'repo' },
    'spec.pipelineSpec.params[1]',
    /declares the param repo twice/,
  ),
  bad(
    'webhook',
    'a default of another type',
    { [`${spec}/params/0/default`]: ['a'] },
    'spec.pipelineSpec.params[0].default',
    /its default is an array/,
  ),
  bad(
    'webhook',
    'an unknown type',
    { [`${spec}/params/0/type`]: 'number' },
    'spec.pipelineSpec.params[0].type',
    /but is number/,
  ),
  bad(
    'start',
    'a workspace that nobody binds',
    { [`${fetch}/workspaces/0/workspace`]: 'sorce' },
    'spec.pipelineSpec.tasks[0].workspaces[0]',
    /did you mean source\?/,
  ),
  bad(
    'start',
    'a workspace that the Task requires',
    { [`${fetch}/workspaces`]: [] },
    'spec.pipelineSpec.tasks[0]',
    /binds no workspace output/,
  ),
  // variables
  bad(
    'webhook',
    'an unknown param of the Pipeline',
    { [`${fetch}/params/0/value`]: '$(params.rpo)' },
    'spec.pipelineSpec.tasks[0].params[0].value',
    /param rpo, .* did you mean repo\?/,
  ),
  bad(
    'webhook',
    'an unknown param of a Task',
    { [`${clone}/script`]: 'echo $(params.ulr)' },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[0].script',
    /did you mean url\?/,
  ),
  bad(
    'never',
    "a param of another task's Task",
    { [`${clone}/script`]: 'echo $(params.commit)' },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[0].script',
    /does not know/,
  ),
  bad(
    'never',
    'an unknown param in finally',
    { [`${report}/params/0/value`]: '$(params.nope)' },
    'spec.pipelineSpec.finally[0].params[0].value',
    /does not know/,
  ),
  bad(
    'webhook',
    'a whole array in a text',
    { [`${clone}/script`]: 'echo $(params.flags[*])' },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[0].script',
    /is a whole array/,
  ),
  bad(
    'webhook',
    'an array beside other text',
    { [`${build}/taskSpec/steps/0/args/0`]: '-- $(params.flags[*])' },
    'spec.pipelineSpec.tasks[1].taskSpec.steps[0].args[0]',
    /nothing else beside it/,
  ),
  bad(
    'start',
    'an element beyond the end',
    { [`${build}/params/0/value`]: '$(params.flags[2])' },
    'spec.pipelineSpec.tasks[1].params[0].value',
    /has 2 elements/,
  ),
  bad(
    'webhook',
    'a key that an object lacks',
    { [`${build}/when/0/input`]: '$(params.image.tags)' },
    'spec.pipelineSpec.tasks[1].when[0].input',
    /did you mean tag\?/,
  ),
  bad(
    'webhook',
    'a whole object in a text',
    { [`${build}/when/0/input`]: '$(params.image[*])' },
    'spec.pipelineSpec.tasks[1].when[0].input',
    /is a whole object/,
  ),
  bad(
    'webhook',
    'a result of no task',
    { [`${build}/params/0/value`]: '$(tasks.fetsh.results.commit)' },
    'spec.pipelineSpec.tasks[1].params[0].value',
    /did you mean fetch\?/,
  ),
  bad(
    'start',
    'a result that a Task lacks',
    { [`${build}/params/0/value`]: '$(tasks.fetch.results.comit)' },
    'spec.pipelineSpec.tasks[1].params[0].value',
    /did you mean commit\?/,
  ),
  bad(
    'webhook',
    'a status asked for too early',
    { [`${build}/params/0/value`]: '$(tasks.fetch.status)' },
    'spec.pipelineSpec.tasks[1].params[0].value',
    /only tasks of finally/,
  ),
  bad(
    'webhook',
    'the status of no task',
    { [`${report}/params/0/value`]: '$(tasks.bild.status)' },
    'spec.pipelineSpec.finally[0].params[0].value',
    /did you mean build\?/,
  ),
  bad(
    'webhook',
    'a variable of the shell',
    { [`${build}/params/0/value`]: '$(date)' },
    'spec.pipelineSpec.tasks[1].params[0].value',
    /no variable of Tekton's/,
  ),
  bad(
    'webhook',
    'an unknown context',
    { [`${build}/params/0/value`]: '$(context.pipelineRun.id)' },
    'spec.pipelineSpec.tasks[1].params[0].value',
    /does not exist/,
  ),
  bad(
    'webhook',
    'an unknown context of a step',
    { [`${clone}/script`]: '$(context.taskRun.id)' },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[0].script',
    /does not exist/,
  ),
  bad(
    'webhook',
    'an unknown result in a script',
    { [`${clone}/script`]: 'echo > $(results.comit.path)' },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[0].script',
    /did you mean commit\?/,
  ),
  bad(
    'webhook',
    'a result of the Pipeline from no task',
    { [`${spec}/results/0/value`]: '$(tasks.x.results.commit)' },
    'spec.pipelineSpec.results[0].value',
    /there is no task x/,
  ),
  bad(
    'webhook',
    'a result of the Pipeline from nothing',
    { [`${spec}/results/0/value`]: 'abc' },
    'spec.pipelineSpec.results[0].value',
    /must hold results of tasks/,
  ),
  bad(
    'webhook',
    'a name with too many dots',
    { [`${fetch}/params/0/value`]: '$(params.image.tag.x)' },
    'spec.pipelineSpec.tasks[0].params[0].value',
    /too many dots/,
  ),
  // the matrix
  bad(
    'webhook',
    'a param in params and matrix',
    { [`${build}/matrix`]: { params: [{ name: 'commit', value: ['a'] }] } },
    'spec.pipelineSpec.tasks[1].params[0]',
    /by params and by its matrix/,
  ),
  bad(
    'webhook',
    'too many combinations',
    { [`${build}/matrix`]: { params: [{ name: 'n', value: Array.from({ length: 257 }, String) }] } },
    'spec.pipelineSpec.tasks[1].matrix',
    /257 combinations/,
  ),
  bad(
    'start',
    'a text for a matrix',
    { [`${build}/matrix`]: { params: [{ name: 'n', value: 'a' }] } },
    'spec.pipelineSpec.tasks[1].matrix.params[0].value',
    /needs an array/,
  ),
  bad(
    'webhook',
    'one result of a matrix',
    { [`${fetch}/matrix`]: { params: [{ name: 'n', value: ['a'] }] } },
    'spec.pipelineSpec.tasks[1].params[0].value',
    /with \[\*\]/,
  ),
  // the Task
  bad(
    'webhook',
    'no steps',
    { [`${report}/taskSpec/steps`]: [] },
    'spec.pipelineSpec.finally[0].taskSpec',
    /has no steps/,
  ),
  bad(
    'webhook',
    'a step without image',
    { [`${clone}/image`]: undefined },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[0]',
    /has no image/,
  ),
  bad(
    'webhook',
    'script and command',
    { [`${clone}/command`]: ['a'] },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[0].script',
    /either a script or a command/,
  ),
  bad(
    'webhook',
    'a command of the template beside a script',
    { [`${fetch}/taskSpec/stepTemplate`]: { command: ['a'] } },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[0].script',
    /either a script or a command/,
  ),
  bad(
    'webhook',
    'two steps of one name',
    { [`${fetch}/taskSpec/steps/1`]: { name: 'clone', image: 'a' } },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[1].name',
    /two steps/,
  ),
  bad(
    'webhook',
    'a step name that is none',
    { [`${clone}/name`]: 'Clone it' },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[0].name',
    /cannot be the name of a step/,
  ),
  bad(
    'webhook',
    'an image beside a ref',
    { [`${report}/taskSpec/steps/0/ref`]: { name: 'x' } },
    'spec.pipelineSpec.finally[0].taskSpec.steps[0].image',
    /comes from there/,
  ),
  bad(
    'webhook',
    'onError of a step',
    { [`${clone}/onError`]: 'ignore' },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[0].onError',
    /continue or stopAndFail/,
  ),
  bad(
    'webhook',
    "a mount in Tekton's folder",
    { [`${clone}/volumeMounts`]: [{ name: 'v', mountPath: '/tekton/x' }] },
    'spec.pipelineSpec.tasks[0].taskSpec.steps[0].volumeMounts[0].mountPath',
    /is Tekton's/,
  ),
  bad(
    'webhook',
    'two volumes of one name',
    { [`${fetch}/taskSpec/volumes`]: [{ name: 'v' }, { name: 'v' }] },
    'spec.pipelineSpec.tasks[0].taskSpec.volumes[1]',
    /two volumes/,
  ),
  bad(
    'webhook',
    'a workspace declared twice',
    { [`${fetch}/taskSpec/workspaces/1`]: { name: 'output' } },
    'spec.pipelineSpec.tasks[0].taskSpec.workspaces[1]',
    /declares the workspace output twice/,
  ),
  bad(
    'webhook',
    'a result name that is none',
    { [`${fetch}/taskSpec/results/1/name`]: '-x' },
    'spec.pipelineSpec.tasks[0].taskSpec.results[1]',
    /cannot be the name of a result/,
  ),
  bad(
    'webhook',
    'a param name that is none',
    { [`${fetch}/taskSpec/params/0/name`]: '1x', [`${fetch}/params/0/name`]: '1x', [`${clone}/script`]: 'x' },
    'spec.pipelineSpec.tasks[0].taskSpec.params[0]',
    /cannot be a param's name/,
  ),
  bad(
    'webhook',
    'a sidecar without image',
    { [`${fetch}/taskSpec/sidecars`]: [{ name: 'db' }] },
    'spec.pipelineSpec.tasks[0].taskSpec.sidecars[0]',
    /has no image/,
  ),
];
