import type { CorpusCase } from './case.ts';
import { pipeline, run, runOf, task } from './text.ts';

// Git, tokens, flags as scripts give them, and all that ours answers otherwise on purpose.

const prefix = 'pipelinesascode.tekton.dev';
const at = (key: string, value: string) => ({ annotations: { [`${prefix}/${key}`]: value } });
const folder = ['-f', '.tekton'];
const one = (title: string, yaml: string, more: Partial<CorpusCase> = {}): CorpusCase => ({
  ...more,
  title,
  files: { '.tekton/all.yaml': yaml, ...more.files },
});

const told = '{{ repo_url }} {{ repo_owner }} {{ repo_name }} {{ revision }}';
const git: readonly CorpusCase[] = [
  'https://example.com/Owner/Name',
  'https://example.com/owner/name.git',
  'git@example.com:owner/name.git',
  'https://example.com/group/sub/name',
].map((origin) => one(`a git repository of ${origin}`, run('r', ['a']) + task('a', told), { origin }));

const secret = '  volumes:\n    - name: v\n      secret:\n        secretName: "{{ git_auth_secret }}"\n';
const withSecret = run('r', ['a']) + task('a', 'a', secret);
const known = [...folder, '-p', 'repo_url=https://example.com/o/n,revision=abc,repo_owner=o,repo_name=n'];
const tokens: readonly CorpusCase[] = [
  one('a token of the environment', withSecret, { args: known, env: { PAC_PROVIDER_TOKEN: 'a token&more' } }),
  one('a token of a flag', withSecret, { args: [...known, '-t', 'hush'] }),
  one('a token of the long flag', withSecret, { args: [...known, '--providerToken=hush'] }),
  one('a token that nobody asks for', withSecret, { args: [...known, '-t', 'hush', '--no-secret'] }),
  one('a token without a Secret', run('r', ['a']) + task('a'), { args: [...known, '-t', 'hush'] }),
];

const flags: readonly CorpusCase[] = [
  one('a file for the result', run('r', ['a']) + task('a'), { args: [...folder, '-o', 'out.yaml'] }),
  one('a value with = in it', run('r', ['a']) + task('a', '{{ word }}'), { args: [...folder, '-p', 'word=a=b'] }),
  one('a value with a comma in it', run('r', ['a']) + task('a', '{{ word }}'), {
    args: [...folder, '-p', '"word=a,b"'],
  }),
  one('a param without a value', run('r', ['a']) + task('a', '{{ word }}'), { args: [...folder, '-p', 'word'] }),
  one('a param of one letter', run('r', ['a']) + task('a', '{{ x }} {{x}}'), { args: [...folder, '-p', 'x=long'] }),
  one('a param that begins as body does', run('r', ['a']) + task('a', '{{ body_text }}'), {
    args: [...folder, '-p', 'body_text=mine'],
  }),
  one('an unknown flag', run('r', ['a']) + task('a'), { args: [...folder, '--nope'] }),
  one('a flag that is neither true nor false', run('r', ['a']) + task('a'), {
    args: [...folder, '--remoteTask=maybe'],
  }),
  one('a file that is not there', run('r', ['a']) + task('a'), { args: [...folder, '-f', 'gone.yaml'] }),
  one('a folder that is not there', run('r', ['a']) + task('a'), { args: ['-f', 'gone'] }),
  one('a folder without files', run('r', ['a']), { files: { 'none/a.txt': 'x' }, args: ['-f', 'none'] }),
  one('a file that is named twice', run('r', ['a']) + task('a'), {
    args: ['-f', '.tekton/all.yaml', '-f', '.tekton/all.yaml'],
  }),
  one('a skipped Task that is nowhere', run('r', ['gone']), { args: [...folder, '-s', 'gone'] }),
  one('annotations that are not followed', run('r', ['a'], at('task', './gone.yaml')) + task('a'), {
    args: [...folder, '--remoteTask=false'],
  }),
];

const json = {
  apiVersion: 'tekton.dev/v1',
  kind: 'PipelineRun',
  metadata: { name: 'r' },
  spec: { pipelineSpec: { tasks: [{ name: 'a', taskRef: { name: 'a' } }] } },
};
const jsonTask = {
  apiVersion: 'tekton.dev/v1',
  kind: 'Task',
  metadata: { name: 'a' },
  spec: { steps: [{ name: 's', image: 'x' }] },
};
const action =
  '---\napiVersion: tekton.dev/v1beta1\nkind: StepAction\nmetadata:\n  name: say\nspec:\n  image: theirs\n  script: echo\n';
const usesAction = task('a').replace(/ {4}- name: say.*$/s, '    - name: say\n      ref:\n        name: say\n');

const overridden = at('task', './mine.yaml');
const yaml: readonly CorpusCase[] = [
  one('a key twice', run('r', ['a']) + task('a').replace('  name: a\n', '  name: a\n  name: b\n')),
  one('a StepAction of the repository', run('r', ['a']) + action + usesAction),
  one(
    'a script with a line that Go prints too',
    run('r', ['a']) + task('a', 'status:\n        status: {}\n        echo b'),
  ),
  one(
    'empty lines at the end of a script',
    run('r', '- name: a\n  taskSpec:\n    steps: [{name: s, image: x, script: "a\\n\\n\\n"}]\n'),
  ),
  one(
    'quantities',
    run(
      'r',
      '- name: a\n  taskSpec:\n    steps: [{name: s, image: x, computeResources: {limits: {cpu: 1000m, memory: 1024Mi}, requests: {cpu: 0.5}}}]\n',
    ),
  ),
  one(
    'a bundle of v1beta1',
    run('r', '- {name: a, taskRef: {name: a, bundle: example.com/b}}\n', { apiVersion: 'tekton.dev/v1beta1' }),
  ),
  one(
    'a Pipeline of two runs, one of which overrides a Task',
    `${runOf('one', 'p', overridden)}${runOf('two', 'p')}${pipeline('p', ['a'])}${task('a', 'theirs')}`,
    {
      files: { 'mine.yaml': task('a', 'mine') },
    },
  ),
  one('a folder with a name as of a file', run('r', ['a']) + task('a'), {
    files: { '.tekton/x.yaml/b.yaml': task('b') },
  }),
  one('JSON', '', { files: { '.tekton/r.yaml': `${JSON.stringify(json)}\n`, '.tekton/s.yaml': task('a') } }),
  one('JSON, then a comment', '', {
    files: { '.tekton/r.yaml': `${JSON.stringify(json)}\n# end\n`, '.tekton/s.yaml': task('a') },
  }),
  one(
    'a run that says its original name itself',
    run('r', ['a'], {
      annotations: { [`${prefix}/original-prname`]: 'x' },
      labels: { [`${prefix}/original-prname`]: 'x' },
    }) + task('a'),
  ),
  one('a run without a name', `${run('r', ['a']).replace('metadata:\n  name: r\n', '')}${task('a')}`),
  one('a run without a spec', '---\napiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata:\n  name: r\n'),
  one('a name with characters that no label has', run('"on: push [all]"', ['a']) + task('a')),
  one('a script with document separators', run('r', ['a']) + task('a', 'a\n        ---\n        b')),
  one('a taskRef without a name', run('r', '- {name: a, taskRef: {kind: Task}}\n') + task('a')),
  one('a Task without a name', run('r', ['a']) + task('a') + task('""')),
  one(
    'PipelineResources of v1beta1',
    run('r', ['a']) +
      task('a', 'a', '  resources:\n    inputs:\n      - {name: g, type: git}\n', { apiVersion: 'tekton.dev/v1beta1' }),
  ),
  one(
    'a Pipeline in a Pipeline',
    run('r', '- name: a\n  pipelineSpec:\n    tasks:\n      - {name: b, taskRef: {name: b}}\n') + task('b'),
  ),
  one('null where nothing is', run('r', '- name: a\n  taskRef: {name: a}\n  params: null\n  when: ~\n') + task('a')),
];

const remote: readonly CorpusCase[] = [
  one('two runs that fail: the first is told of', `${run('one', ['gone-task'])}${runOf('two', 'gone-pipeline')}`),
  one('a remote file with two Tasks', run('r', ['a'], at('task', '{{REMOTE}}/a.yaml')), {
    remote: { '/a.yaml': task('a', 'far') + task('b', 'far') },
  }),
  one('a remote file with a Task and something else', run('r', ['a'], at('task', '{{REMOTE}}/a.yaml')), {
    remote: { '/a.yaml': `${task('a', 'far')}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n` },
  }),
  one('a remote file with something else before the Task', run('r', ['a'], at('task', '{{REMOTE}}/a.yaml')), {
    remote: { '/a.yaml': `---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n${task('a', 'far')}` },
  }),
  one('an empty remote file', run('r', ['a'], at('task', '{{REMOTE}}/a.yaml')), { remote: { '/a.yaml': '' } }),
  one('remote JSON', run('r', ['a'], at('task', '{{REMOTE}}/a.json')), {
    remote: { '/a.json': JSON.stringify(jsonTask) },
  }),
  one('remote JSON and a separator', run('r', ['a'], at('task', '{{REMOTE}}/a.json')), {
    remote: { '/a.json': `${JSON.stringify(jsonTask)}\n---\n` },
  }),
  one('a remote Task of v1beta1', run('r', ['a'], at('task', '{{REMOTE}}/a.yaml')), {
    remote: { '/a.yaml': task('a', 'far', '', { apiVersion: 'tekton.dev/v1beta1' }) },
  }),
  one('variables in a remote Task stay', run('r', ['a'], at('task', '{{REMOTE}}/a.yaml')), {
    remote: { '/a.yaml': task('a', '{{ revision }}') },
    args: [...folder, '-p', 'revision=main'],
  }),
  one('a catalogue that nobody has', run('r', ['a'], at('task', 'other://a'))),
  one('a path above the repository', run('r', ['a'], at('task', '../a.yaml'))),
  one(
    'a Pipeline that nobody names is fetched all the same',
    run('r', ['a'], at('pipeline', './gone.yaml')) + task('a'),
  ),
  one('the annotation pipeline-1', runOf('r', 'p', at('pipeline-1', './p.yaml')) + pipeline('p', ['a']) + task('a')),
  one('the same URL twice', run('r', ['a'], at('task', '[{{REMOTE}}/a.yaml, {{REMOTE}}/a.yaml]')), {
    remote: { '/a.yaml': task('a', 'far') },
  }),
  one('the first of two Tasks of one name', run('r', ['a'], at('task', '[{{REMOTE}}/1.yaml, {{REMOTE}}/2.yaml]')), {
    remote: { '/1.yaml': task('a', 'first'), '/2.yaml': task('a', 'second') },
  }),
  one('a URL with a query', run('r', ['a'], at('task', '{{REMOTE}}/a.yaml?x=1')), {
    remote: { '/a.yaml?x=1': task('a', 'far') },
  }),
  one('a Pipeline by path whose Tasks lie beside it', runOf('r', 'p', at('pipeline', './share/p.yaml')), {
    files: {
      'share/p.yaml': pipeline('p', ['a'], '', at('task', './t/a.yaml')),
      'share/t/a.yaml': task('a', 'beside'),
    },
  }),
  one(
    'a remote Pipeline of two runs, with paths',
    `${runOf('one', 'p', at('pipeline', '{{REMOTE}}/d/p.yaml'))}${runOf('two', 'p', at('pipeline', '{{REMOTE}}/d/p.yaml'))}`,
    {
      remote: { '/d/p.yaml': pipeline('p', ['a'], '', at('task', './a.yaml')), '/d/a.yaml': task('a', 'far') },
    },
  ),
];

export const more: readonly CorpusCase[] = [...git, ...tokens, ...flags, ...yaml, ...remote];
