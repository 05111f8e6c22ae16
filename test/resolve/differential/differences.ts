/** What ours does where the peer does something else: on purpose, and why. */
export interface Difference {
  why: string;
  /** Its error; or values of what it writes, by path (`0.spec.pipelineSpec`, of the first object). */
  ours: { refuses: RegExp } | { writes: Readonly<Record<string, unknown>> };
}

const step = '0.spec.pipelineSpec.tasks.0.taskSpec.steps.0';
const says = (script: string) => ({ writes: { [`${step}.script`]: `echo ${script}\n` } });
const silent =
  'the document is left out without a word; the seed: "In any case of errors in any YAML files, parsing will halt"';
const files =
  'the seed: "parses any files ending with a .yaml or .yml suffix in the .tekton directory and subdirectory"';
const joined =
  'the peer joins all files to one text and cuts it at `---` alone on a line, so this breaks its documents';

const unknown =
  'a field that these Tekton types do not know may be of a newer Tekton; --validate finds those that are mistakes';
const kept = (path: string, value: unknown): Difference => ({ why: unknown, ours: { writes: { [path]: value } } });

/** By the title of the case. A difference that is gone must go from here too. */
export const differences: Readonly<Record<string, Difference>> = {
  'an unknown version': { why: silent, ours: { refuses: /line 2: PipelineRun has the apiVersion tekton\.dev\/v9/ } },
  'YAML that cannot be read': { why: silent, ours: { refuses: /s\.yaml, line \d+ is not valid YAML/ } },
  'a number for a text': { why: silent, ours: { refuses: /steps\[0\]\.image must be a string, but is the number 5/ } },
  'a key twice': { why: silent, ours: { refuses: /document 2, line 17 is not valid YAML: duplicated mapping key/ } },
  '.yml in a folder': { why: files, ours: says('a') },
  'a folder with a name as of a file': { why: files, ours: says('a') },
  'a folder that is not there': {
    why: 'the peer takes it for an empty one; a folder that is there and empty is the same in both',
    ours: { refuses: /there is no file or folder gone/ },
  },
  'no newline at the end': { why: joined, ours: says('a') },
  'a comment behind a separator': { why: joined, ours: says('a') },
  'a byte order mark': { why: joined, ours: says('a') },
  'JSON, then a comment': { why: 'JSON is YAML, and YAML may have comments', ours: says('a') },
  'remote JSON and a separator': {
    why: 'JSON is YAML, and YAML may have separators',
    ours: { writes: { [`${step}.image`]: 'x' } },
  },
  'an unknown field': kept('0.spec.pipelineSpec.tasks.0.taskReff.name', 'x'),
  'a git repository of https://example.com/group/sub/name': {
    why: 'the peer takes the first two parts of the path: a GitLab project in a subgroup gets the name of the subgroup',
    ours: {
      writes: {
        [`${step}.script`]:
          'echo https://example.com/group/sub/name group/sub name 2ef64f27acee46344949f527e0bcbd932be10b4d\n',
      },
    },
  },
  'a value with = in it': { why: 'the peer cuts the value at the second =', ours: says('a=b') },
  'a param without a value': { why: 'the peer panics', ours: { refuses: /-p must be name=value, but is "word"/ } },
  'a flag that is neither true nor false': {
    why: 'remoteTask is another name of remote-task, and ours speaks of the first',
    ours: { refuses: /--remote-task must be true or false, but is "maybe"/ },
  },
  'a param of one letter': { why: 'the peer finds one only with blanks around it', ours: says('long long') },
  'a param that begins as body does': {
    why: 'the peer takes every name that begins with body, headers or files for a part of the event',
    ours: says('mine'),
  },
  'a script with a line that Go prints too': {
    why: 'the peer removes such lines by a regular expression from the whole text, scripts too',
    ours: { writes: { [`${step}.script`]: 'echo status:\nstatus: {}\necho b\n' } },
  },
  'empty lines at the end of a script': {
    why: 'the same regular expression takes the empty lines before what it removes',
    ours: { writes: { [`${step}.script`]: 'a\n\n\n' } },
  },
  'a StepAction of the repository': {
    why: 'issue: a PipelineRun that needs nothing else; the peer leaves a reference that the cluster cannot find',
    ours: { writes: { [`${step}.image`]: 'theirs', [`${step}.ref`]: undefined } },
  },
  quantities: {
    why: 'the same amounts, as they were written',
    ours: {
      writes: {
        [`${step}.computeResources`]: { limits: { cpu: '1000m', memory: '1024Mi' }, requests: { cpu: '0.5' } },
      },
    },
  },
  'a bundle of v1beta1': {
    why: 'the seed: bundles are skipped; the peer forgets the bundle and looks for a Task of the name',
    ours: { writes: { '0.spec.pipelineSpec.tasks.0.taskRef.resolver': 'bundles' } },
  },
  'a Pipeline of two runs, one of which overrides a Task': {
    why: 'the peer changes the Pipeline in place: the second run gets what the first one has overridden',
    ours: {
      writes: {
        '0.spec.pipelineSpec.tasks.0.taskSpec.steps.0.script': 'echo mine\n',
        '1.spec.pipelineSpec.tasks.0.taskSpec.steps.0.script': 'echo theirs\n',
      },
    },
  },
  'a remote Pipeline of two runs, with paths': {
    why: 'the peer forgets, for the second run, where the Pipeline came from',
    ours: { writes: { '1.spec.pipelineSpec.tasks.0.taskSpec.steps.0.script': 'echo far\n' } },
  },
  'a remote file with something else before the Task': {
    why: 'other kinds are passed over, as they are in the .tekton folder',
    ours: says('far'),
  },
};

/** The same, of the peer's own test data, by file. */
export const moduleDifferences: Readonly<Record<string, Difference>> = {
  'pkg/resolve/testdata/bad-tekton-yaml-generate-name.yaml': { why: silent, ours: { refuses: /tasks must be a list/ } },
  'pkg/resolve/testdata/bad-tekton-yaml-name.yaml': { why: silent, ours: { refuses: /tasks must be a list/ } },
  'test/testdata/failures/bad-yaml.yaml': { why: silent, ours: { refuses: /line 3 is not valid YAML/ } },
  'test/testdata/failures/pipeline-validation.yaml': {
    why: silent,
    ours: { refuses: /pipelineSpec must be an object, but is a list/ },
  },
  ...Object.fromEntries(
    [
      'in-repo-in-ref-no-annotation',
      'pipeline-finally-v1',
      'pipeline-finally',
      'pipelinerun-pipeline-task-bad-pac-annotation',
      'pipelinerun-pipeline-task-annotations-not-pac',
      'pipelinerun-pipeline-task-remote-task-annotation',
      'pipelinerun-pipeline-task',
      'pipelinerun-pipelineref-taskspec',
      'pipelinerun-splitted-with-dashes-in-middle',
      'pipelinerun-task-bundle',
      'pipelinerun-task-resolver',
    ].map((name) => [`pkg/resolve/testdata/${name}.yaml`, kept('0.spec.pipelineSpec.steps.0.name', 'first-step')]),
  ),
  'pkg/resolve/testdata/pipeline-invalid-conversion.yaml': kept('0.spec.pipelineSpec.foo', 'bar'),
  'pkg/resolve/testdata/pipelinerun-invalid-conversion.yaml': kept('0.spec.pipelineSpec.foo', 'bar'),
  'pkg/resolve/testdata/task-invalid-conversion.yaml': kept('0.spec.pipelineSpec.tasks.0.taskSpec.foo', 'bar'),
};
