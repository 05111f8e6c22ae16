import type { CorpusCase } from './case.ts';
import { more } from './more.ts';
import { indent, pipeline, run, runOf, task } from './text.ts';

const prefix = 'pipelinesascode.tekton.dev';
const at = (key: string, value: string) => ({ annotations: { [`${prefix}/${key}`]: value } });
const one = (title: string, yaml: string, more: Partial<CorpusCase> = {}): CorpusCase => ({
  title,
  files: { '.tekton/all.yaml': yaml, ...more.files },
  ...(more.remote === undefined ? {} : { remote: more.remote }),
  ...(more.args === undefined ? {} : { args: more.args }),
});

const inRun: readonly CorpusCase[] = [
  one('a run with a taskSpec', run('r', '- name: a\n  taskSpec:\n    steps:\n      - {name: s, image: x}\n')),
  one('a run with a Task beside it', run('r', ['a']) + task('a')),
  one('a Task before its run', task('a') + run('r', ['a'])),
  one('two runs with one Task', run('r', ['a']) + run('q', ['a']) + task('a')),
  one(
    'one Task used twice',
    run('r', '- {name: first, taskRef: {name: a}}\n- {name: second, taskRef: {name: a}}\n') + task('a'),
  ),
  one('a Pipeline beside its run', runOf('r', 'p') + pipeline('p', ['a']) + task('a')),
  one('two runs with one Pipeline', runOf('r', 'p') + runOf('q', 'p') + pipeline('p', ['a']) + task('a')),
  one('a Pipeline that nobody names', run('r', ['a']) + task('a') + pipeline('lonely', ['gone'])),
  one('a Task that nobody names', run('r', ['a']) + task('a') + task('b')),
  one('two Tasks of one name: the last in the folder', run('r', ['a']) + task('a', 'first') + task('a', 'second'), {
    args: ['-f', '.tekton', '--no-secret'],
  }),
  one(
    'two Pipelines of one name: the first',
    runOf('r', 'p') + pipeline('p', ['a']) + pipeline('p', ['b']) + task('a') + task('b'),
  ),
  one(
    'finally',
    `${runOf('r', 'p')}${pipeline('p', ['a'])}  finally:\n    - name: z\n      taskRef:\n        name: b\n${task('a')}${task('b')}`,
  ),
  one(
    'labels and annotations of a Task go along',
    run('r', ['a']) + task('a', 'a', '', { labels: { l: 'v' }, annotations: { n: 'v' } }),
  ),
  one(
    'labels and annotations of a Pipeline do not',
    runOf('r', 'p') + pipeline('p', ['a'], '', { labels: { l: 'v' } }) + task('a'),
  ),
  one('kind: Task in a taskRef', run('r', '- name: a\n  taskRef: {name: a, kind: Task}\n') + task('a')),
  one('a custom task', run('r', '- name: w\n  taskRef: {apiVersion: example.dev/v1, kind: Wait, name: w}\n')),
  one(
    'a resolver in a taskRef',
    run('r', '- name: a\n  taskRef:\n    resolver: git\n    params:\n      - {name: url, value: x}\n'),
  ),
  one(
    'a resolver in a pipelineRef',
    `${runOf('r', 'p').replace('    name: p\n', '    resolver: git\n    params:\n      - {name: url, value: x}\n')}`,
  ),
  one('a Task that is missing', run('r', ['gone'])),
  one('a Pipeline that is missing', runOf('r', 'gone')),
  one(
    'a missing Task in finally',
    `${runOf('r', 'p')}${pipeline('p', ['a'])}  finally:\n    - name: z\n      taskRef: {name: gone}\n${task('a')}`,
  ),
  one('no PipelineRun', task('a')),
  one('two runs of one name', run('r', ['a']) + run('r', ['a']) + task('a')),
  one('generateName', run('r', ['a']).replace('  name: r\n', '  generateName: r-\n') + task('a')),
  one('a namespace', run('r', ['a']).replace('  name: r\n', '  name: r\n  namespace: ns\n') + task('a')),
  one('an empty document', `${run('r', ['a'])}---\n---\n${task('a')}`),
  one('other kinds', `${run('r', ['a'])}---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n${task('a')}`),
  one(
    'a TaskRun is passed over',
    `${run('r', ['a'])}---\napiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata:\n  name: t\nspec:\n  taskRef: {name: a}\n${task('a')}`,
  ),
  one(
    'params, workspaces and results',
    run(
      'r',
      '- name: a\n  params: [{name: p, value: $(params.x)}]\n  workspaces: [{name: w}]\n  taskRef: {name: a}\n',
      {},
      '  params: [{name: x, value: y}]\n  workspaces: [{name: w, emptyDir: {}}]\n',
    ) +
      task(
        'a',
        '$(params.p)',
        '  params: [{name: p, type: string, default: d}]\n  workspaces: [{name: w}]\n  results: [{name: out}]\n',
      ),
  ),
  one(
    'lists and objects',
    run('r', '- name: a\n  params: [{name: l, value: [a, b]}, {name: o, value: {k: v}}]\n  taskRef: {name: a}\n') +
      task('a', 'x', '  params: [{name: l, type: array}, {name: o, type: object, properties: {k: {type: string}}}]\n'),
  ),
  one(
    'when and runAfter',
    run(
      'r',
      '- {name: a, taskRef: {name: a}}\n- name: b\n  runAfter: [a]\n  when: [{input: x, operator: in, values: [x]}]\n  taskRef: {name: a}\n',
    ) + task('a'),
  ),
  one(
    'a matrix',
    run('r', '- name: a\n  matrix: {params: [{name: m, value: [x, y]}]}\n  taskRef: {name: a}\n') +
      task('a', '$(params.m)', '  params: [{name: m}]\n'),
  ),
  one(
    'sidecars, volumes and a step template',
    run('r', ['a']) +
      task(
        'a',
        'x',
        '  stepTemplate: {env: [{name: E, value: v}]}\n  volumes: [{name: v, emptyDir: {}}]\n  sidecars: [{name: s, image: i}]\n',
      ),
  ),
  one(
    'timeouts and retries',
    run('r', '- {name: a, retries: 2, timeout: 10m, taskRef: {name: a}}\n', {}, '  timeouts: {pipeline: 1h}\n') +
      task('a'),
  ),
  one('taskRunTemplate', run('r', ['a'], {}, '  taskRunTemplate: {serviceAccountName: sa}\n') + task('a')),
  one(
    'computeResources',
    run(
      'r',
      '- name: a\n  taskSpec:\n    steps: [{name: s, image: x, computeResources: {limits: {cpu: 100m, memory: 1Gi}}}]\n',
    ),
  ),
  one(
    'a flag in a taskSpec of its own',
    run('r', '- name: a\n  onError: continue\n  taskRef: {name: a}\n') + task('a'),
  ),
];

const flags: readonly CorpusCase[] = [
  ['--no-generate-name'],
  ['--no-secret'],
  ['--skip', 'a'],
  ['-s', 'a,b'],
  ['-s', 'a', '-s', 'b'],
  ['--remoteTask=false'],
  ['--v1beta1'],
  ['-B', '--no-generate-name'],
  ['-p', 'revision=main'],
  ['-p', 'revision=main,repo_url=https://example.com/o/r'],
  ['-p', 'revision=main', '-p', 'revision=other'],
  ['-p', 'word='],
].map((more) =>
  one(
    `flags ${more.join(' ')}`,
    run('r', ['a', 'b'], { labels: { rev: '{{ revision }}', w: '{{word}}' } }) +
      task('a', '{{ repo_url }}') +
      task('b'),
    {
      args: ['-f', '.tekton', ...more],
    },
  ),
);

const scalars = [
  'yes',
  'n',
  'on',
  '010',
  '0x1f',
  '1_000',
  '1e3',
  '~',
  'null',
  '1.0',
  '.inf',
  '2001-12-14',
  '0o7',
  '12:30',
  'true',
  '-1',
  '"',
  '#x',
  '* a',
  "'q'",
];
const strings: readonly CorpusCase[] = scalars.map((scalar) =>
  one(
    `the text ${scalar} stays what it is`,
    run('r', `- name: a\n  params:\n    - name: p\n      value: ${JSON.stringify(scalar)}\n  taskRef: {name: a}\n`) +
      task('a', 'x', '  params: [{name: p}]\n'),
  ),
);
const plain: readonly CorpusCase[] = ['yes', '010', '1_000', '1e3', '1.50', '-7', 'null', '0b11'].map((scalar) =>
  one(
    `the value ${scalar} without quotes`,
    run('r', `- name: a\n  params:\n    - name: p\n      value: ${scalar}\n  taskRef: {name: a}\n`) +
      task('a', 'x', '  params: [{name: p}]\n'),
  ),
);

const annotated: readonly CorpusCase[] = [
  ...(
    [
      './task.yaml',
      '[./task.yaml]',
      '[ ./task.yaml ]',
      'share/task.yaml',
      '[./task.yaml, share/task.yaml]',
      './gone.yaml',
      '[]',
      '[./task.yaml',
    ] as const
  ).map((value) =>
    one(`the annotation task: ${value}`, run('r', ['a'], at('task', value)) + task('a', 'local'), {
      files: { 'task.yaml': task('a', 'beside'), 'share/task.yaml': task('a', 'shared') },
    }),
  ),
  ...(['task', 'task-1', 'task-22', 'task-x', 'tasks'] as const).map((key) =>
    one(`the annotation ${key}`, run('r', ['a'], at(key, './task.yaml')) + task('a', 'local'), {
      files: { 'task.yaml': task('a', 'beside') },
    }),
  ),
  one('a Task over HTTP', run('r', ['a'], at('task', '{{REMOTE}}/a.yaml')), {
    remote: { '/a.yaml': task('a', 'far') },
  }),
  one('two Tasks over HTTP', run('r', ['a', 'b'], at('task', '[{{REMOTE}}/a.yaml, {{REMOTE}}/b.yaml]')), {
    remote: { '/a.yaml': task('a', 'far'), '/b.yaml': task('b', 'far') },
  }),
  one('a URL that is not there', run('r', ['a'], at('task', '{{REMOTE}}/gone.yaml')), { remote: {} }),
  one('a URL that is no YAML', run('r', ['a'], at('task', '{{REMOTE}}/a.yaml')), { remote: { '/a.yaml': '<html>' } }),
  one('a URL that is a Pipeline', run('r', ['a'], at('task', '{{REMOTE}}/a.yaml')), {
    remote: { '/a.yaml': pipeline('a', ['b']) },
  }),
  one(
    'a remote Task before the one of the folder',
    run('r', ['a'], at('task', '{{REMOTE}}/a.yaml')) + task('a', 'local'),
    { remote: { '/a.yaml': task('a', 'far') } },
  ),
  one('a Pipeline over HTTP', runOf('r', 'p', at('pipeline', '{{REMOTE}}/p.yaml')) + task('a'), {
    remote: { '/p.yaml': pipeline('p', ['a']) },
  }),
  one('a remote Pipeline of another name', runOf('r', 'p', at('pipeline', '{{REMOTE}}/p.yaml')) + task('a'), {
    remote: { '/p.yaml': pipeline('q', ['a']) },
  }),
  one(
    'a remote Pipeline before the one of the folder',
    runOf('r', 'p', at('pipeline', '{{REMOTE}}/p.yaml')) + pipeline('p', ['b']) + task('a') + task('b'),
    { remote: { '/p.yaml': pipeline('p', ['a']) } },
  ),
  one('two Pipelines in an annotation', runOf('r', 'p', at('pipeline', '[{{REMOTE}}/p.yaml, {{REMOTE}}/q.yaml]')), {
    remote: { '/p.yaml': pipeline('p', []), '/q.yaml': pipeline('q', []) },
  }),
  one('a remote Pipeline names its Tasks by URL', runOf('r', 'p', at('pipeline', '{{REMOTE}}/p.yaml')), {
    remote: { '/p.yaml': pipeline('p', ['a'], '', at('task', '{{REMOTE}}/a.yaml')), '/a.yaml': task('a', 'far') },
  }),
  one('a remote Pipeline names its Tasks relatively', runOf('r', 'p', at('pipeline', '{{REMOTE}}/d/p.yaml')), {
    remote: { '/d/p.yaml': pipeline('p', ['a'], '', at('task', './t/a.yaml')), '/d/t/a.yaml': task('a', 'far') },
  }),
  one('a remote Pipeline names its Tasks above it', runOf('r', 'p', at('pipeline', '{{REMOTE}}/d/p.yaml')), {
    remote: { '/d/p.yaml': pipeline('p', ['a'], '', at('task', '../a.yaml')), '/a.yaml': task('a', 'far') },
  }),
  one(
    "the run's Task overrides the remote Pipeline's",
    runOf('r', 'p', {
      annotations: { [`${prefix}/pipeline`]: '{{REMOTE}}/p.yaml', [`${prefix}/task`]: './mine.yaml' },
    }),
    {
      files: { 'mine.yaml': task('a', 'mine') },
      remote: { '/p.yaml': pipeline('p', ['a'], '', at('task', '{{REMOTE}}/a.yaml')), '/a.yaml': task('a', 'far') },
    },
  ),
];

const old = { apiVersion: 'tekton.dev/v1beta1' };
const versions: readonly CorpusCase[] = [
  one('all of v1beta1', runOf('r', 'p', old) + pipeline('p', ['a'], '', old) + task('a', 'a', '', old)),
  one('a Task of v1beta1', run('r', ['a']) + task('a', 'a', '', old)),
  one('serviceAccountName of v1beta1', run('r', ['a'], old, '  serviceAccountName: sa\n') + task('a')),
  one('timeout of v1beta1', run('r', ['a'], old, '  timeout: 10m\n') + task('a')),
  one(
    'step resources of v1beta1',
    run('r', '- name: a\n  taskSpec:\n    steps: [{name: s, image: x, resources: {limits: {cpu: 1}}}]\n', old),
  ),
  one('an unknown version', run('r', ['a'], { apiVersion: 'tekton.dev/v9' }) + task('a')),
];

const files: readonly CorpusCase[] = [
  {
    title: 'a file for each object',
    files: {
      '.tekton/r.yaml': runOf('r', 'p'),
      '.tekton/p.yaml': pipeline('p', ['a']),
      '.tekton/tasks/a.yaml': task('a'),
    },
  },
  { title: '.yml in a folder', files: { '.tekton/r.yaml': run('r', ['a']), '.tekton/a.yml': task('a') } },
  {
    title: 'files by name',
    files: { 'r.yaml': run('r', ['a']), 'a.yml': task('a') },
    args: ['-f', 'r.yaml', '-f', 'a.yml'],
  },
  {
    title: 'files in a list',
    files: { 'r.yaml': run('r', ['a']), 'a.yaml': task('a') },
    args: ['-f', 'r.yaml,a.yaml'],
  },
  { title: 'no -f', files: { 'r.yaml': run('r', ['a']) }, args: [] },
  {
    title: 'no separator at the beginning',
    files: { '.tekton/r.yaml': run('r', ['a']).slice(4), '.tekton/s.yaml': task('a').slice(4) },
  },
  {
    title: 'no newline at the end',
    files: { '.tekton/r.yaml': run('r', ['a']).trimEnd(), '.tekton/s.yaml': task('a') },
  },
  {
    title: 'a comment behind a separator',
    files: { '.tekton/r.yaml': run('r', ['a']) + task('a').replace('---', '--- # the task') },
  },
  {
    title: 'YAML that cannot be read',
    files: { '.tekton/r.yaml': run('r', ['a']) + task('a'), '.tekton/s.yaml': '---\na: [\n' },
  },
  { title: 'CRLF', files: { '.tekton/r.yaml': (run('r', ['a']) + task('a')).replaceAll('\n', '\r\n') } },
  { title: 'a byte order mark', files: { '.tekton/r.yaml': `\uFEFF${(run('r', ['a']) + task('a')).slice(4)}` } },
  {
    title: 'an anchor and an alias',
    files: {
      '.tekton/r.yaml': run(
        'r',
        '- name: a\n  taskSpec: &t\n    steps: [{name: s, image: x}]\n- name: b\n  taskSpec: *t\n',
      ),
    },
  },
  {
    title: 'a merge key',
    files: {
      '.tekton/r.yaml': run(
        'r',
        `- name: a\n  taskSpec:\n${indent('steps:\n  - &s {name: s, image: x}\n  - {<<: *s, name: t}\n', 4)}`,
      ),
    },
  },
  {
    title: 'a number for a text',
    files: { '.tekton/r.yaml': run('r', '- name: a\n  taskSpec:\n    steps: [{name: s, image: 5}]\n') },
  },
  {
    title: 'an unknown field',
    files: { '.tekton/r.yaml': run('r', '- name: a\n  taskReff: {name: x}\n  taskRef: {name: a}\n') + task('a') },
  },
];

const variables: readonly CorpusCase[] = [
  '{{ revision }}',
  '{{revision}}',
  '{{  revision  }}',
  '{{ unknown }}',
  '{{ repo_url }}',
  '{{ x }}',
  '{{ body.a }}',
  '$(params.a)',
  '{ { a } }',
  '{{}}',
].map((text) =>
  one(`the variable ${text}`, run('r', ['a']) + task('a', text), {
    args: ['-f', '.tekton', '-p', 'revision=main', '-p', 'repo_url=https://example.com/o/r', '-p', 'x=y'],
  }),
);

export const corpus: readonly CorpusCase[] = [
  ...inRun,
  ...flags,
  ...strings,
  ...plain,
  ...annotated,
  ...versions,
  ...files,
  ...variables,
  ...more,
];
