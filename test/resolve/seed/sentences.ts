/**
 * What Pipelines-as-Code's page "Resolver" says, sentence by sentence (shortened), and the test that holds the resolver to it. Sentences
 * that say the same have one test; examples belong to the sentence before them. A test is in this folder, or in the file before its name.
 */
export const sentences: readonly (readonly [sentence: string, test: string])[] = [
  // Pipelines-as-Code resolver
  [
    'the PipelineRun you are running does not conflict with others',
    'the name becomes a generateName, to ensure each PipelineRun is unique',
  ],
  [
    'parses any files ending with .yaml or .yml in .tekton and below',
    'parses any files ending with a .yaml or .yml suffix in the .tekton directory and subdirectory',
  ],
  [
    'detects any Tekton resources like Pipeline, PipelineRun, Task',
    'automatically attempts to detect any Tekton resources like Pipeline, PipelineRun, Task',
  ],
  [
    'resolves to a single PipelineRun with an embedded PipelineSpec',
    'resolves a PipelineRun as a single PipelineRun with an embedded PipelineSpec of the referenced Task or Pipeline',
  ],
  [
    'all dependencies are contained within a single PipelineRun',
    'all dependencies are contained within a single PipelineRun, which Tekton would take',
  ],
  [
    'compatible with the Tekton resolver, which a PipelineRun can have within',
    'both resolvers are compatible: references with a Tekton resolver stay beside what is resolved',
  ],
  [
    'errors in any YAML file halt, and are reported',
    'in any case of errors in any YAML files, parsing will halt, and errors will be reported',
  ],
  [
    'the name is transformed to a GenerateName',
    'the name becomes a generateName, to ensure each PipelineRun is unique',
  ],
  [
    'Pipeline and PipelineRun can be split into files',
    'a Pipeline and its PipelineRun may be split, in the .tekton directory or its subdirectories',
  ],
  [
    'Pipeline and Task can be referenced remotely',
    'a PipelineRun that references a remote task or a Pipeline gets them inlined',
  ],
  ['skips some types of tasks, and uses them as is', 'the resolver will skip these types of tasks and use them as is'],
  [
    'what cannot be resolved fails before it is applied',
    'if the referenced tasks cannot be resolved, the run will fail before applying it',
  ],
  [
    'the issue is to be seen where people look',
    'if the referenced tasks cannot be resolved, the run will fail before applying it',
  ],
  [
    'test your PipelineRun locally with the resolve command',
    '../../steps/pac-resolve.test.ts: short flags stand together and take their value as the next word or at once, as in the command it replaces',
  ],
  // Remote Task annotations
  [
    'fetches remote tasks or a pipeline with annotations',
    'a PipelineRun that references a remote task or a Pipeline gets them inlined',
  ],
  [
    'of several annotations for a task name the first one counts',
    'if multiple annotations reference the same task name the resolver will pick the first one',
  ],
  ['task: "git-clone"', '"git-clone" installs the latest version of the hub, by its API'],
  ['task: "[git-clone, pylint]"', 'multiple tasks with an array syntax, separated by a comma within brackets'],
  // Tekton Hub Support for Tasks
  ['installs the latest version with the Tekton Hub API', "the tekton hub's own API is spoken to by those who run one"],
  ['the public hub is Artifact Hub now', '"git-clone" installs the latest version of the hub, by its API'],
  [
    'multiple tasks in brackets, separated by a comma',
    'multiple tasks with an array syntax, separated by a comma within brackets',
  ],
  ['multiple lines with a -NUMBER suffix', 'multiple lines with a -NUMBER suffix'],
  ['by default the latest task', '"git-clone" installs the latest version of the hub, by its API'],
  ['a colon and a version number', 'a specific version of the task is a colon and a version number'],
  // Custom Tekton Hub Support for Tasks
  [
    '[anothercatalog://curl] is of the custom catalog',
    '"[anothercatalog://curl]" installs curl from the custom catalog',
  ],
  [
    'no fallback to the default hub',
    'there is no fallback to the default hub if the custom one does not have the task, it will fail',
  ],
  [
    'no custom hub from the CLI: here there is',
    '../command/network.test.ts: catalogues of the command line: Artifact Hub and Tekton Hub, by name, with a version, and no way back to the default one',
  ],
  // Remote HTTP URL
  [
    'a string that starts with http:// or https:// is fetched from there',
    'a string that starts with http:// or https:// is fetched directly from that remote URL',
  ],
  [
    'on the host of the repository the token fetches it by the API',
    'a remote URL on the host of the repository is fetched with the token, by the GitHub API',
  ],
  ['GitHub blob URLs', 'a remote URL on the host of the repository is fetched with the token, by the GitHub API'],
  ['%2F in the branch name', 'a branch name with a slash is encoded with %2F'],
  [
    'a token of a person may fetch from any organization; scopes are the token',
    'a token may fetch private repositories of any organization where it is allowed',
  ],
  ['and is sent nowhere else', 'a URL on another host than the repository gets no token'],
  [
    'GitLab URLs as copied from its UI, and raw URLs',
    'a URL as directly copied from the GitLab UI, or a GitLab raw URL, is fetched with the token',
  ],
  [
    'the GitLab token will be used to fetch the file',
    'a URL as directly copied from the GitLab UI, or a GitLab raw URL, is fetched with the token',
  ],
  ['without a token a private file is not there', 'without a token a private file is an error that says what to do'],
  // Tasks or Pipelines inside the repository
  [
    'a relative path of a YAML file inside your repository',
    'a reference to a task from a YAML file inside your repository by its relative path',
  ],
  [
    'on the SHA where the event comes from',
    'a relative path is the file of the repository on the SHA where the event comes from',
  ],
  ['any error fetching is an error', 'if there is any error fetching those resources, it will error out'],
  [
    'an object that is no Tekton Task is an error',
    'if the object fetched cannot be parsed as a Tekton Task it will error out',
  ],
  // Remote Pipeline annotations
  [
    'a Pipeline by annotation, shared across repositories',
    'a remote pipeline is referenced by annotation, which allows to share a Pipeline across multiple repositories',
  ],
  [
    'only one pipeline annotation, with one pipeline',
    'only one pipeline annotation is allowed, and its value should have one pipeline',
  ],
  ['annotations like pipeline-1 are not supported', 'annotations like pipeline-1 are not supported'],
  [
    'a remote URL, or a relative path',
    'a remote pipeline by a remote URL, or by a relative path inside the repository',
  ],
  // Tekton Hub Support for Pipelines, and custom ones
  [
    '[buildpacks] is the latest version of the hub',
    '"[buildpacks]" installs the buildpacks pipeline from the hub, querying for the latest version',
  ],
  ['[buildpacks:0.1] is a specific version', 'a specific version of the pipeline is a colon and a version number'],
  [
    '[anothercatalog://buildpacks:0.1] is of the custom catalog',
    '"[anothercatalog://buildpacks:0.1]" installs a pipeline from the custom catalog',
  ],
  // Overriding tasks from a remote pipeline on a PipelineRun
  [
    'task annotations on the remote pipeline are supported',
    'remote task annotations on the remote pipeline are supported, a hub name as in the example too',
  ],
  [
    'no other annotations of it are',
    'no other annotations of the remote pipeline are supported: on-event of a Pipeline starts nothing and stops nothing',
  ],
  [
    'a task of the same name in the PipelineRun overrides',
    'a task of the remote pipeline is overridden by one of the same name in the PipelineRun annotations',
  ],
  [
    'the example with my-git-clone-task.yaml',
    'in the example, my-git-clone-task.yaml is used instead of the git-clone of the remote pipeline',
  ],
  ['only for a taskRef to a name, not for a taskSpec', 'no override is done on Tasks embedded with a taskSpec'],
  // Tasks or Pipelines Precedence
  [
    'PipelineRun annotations, Pipeline annotations, Tekton directory',
    'a task is found in the PipelineRun annotations, then the Pipeline annotations, then the Tekton directory',
  ],
  [
    'PipelineRun annotations, Tekton directory',
    'a pipeline is found in the PipelineRun annotations, then the Tekton directory',
  ],
];
