import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFolder } from '../../support/folder.ts';
import { runOf } from '../support/yaml.ts';
import { objects, refusal, resolve } from './command.ts';
import { commitAll, git } from './git.ts';

const on = (event: string, branch: string, more: Record<string, string> = {}) => ({
  'on-event': `[${event}]`,
  'on-target-branch': `[${branch}]`,
  ...more,
});
const files = {
  '.tekton/push.yaml': runOf(
    on('push', 'main'),
    `{params: [{name: p, value: "{{ sender }} {{ body.head_commit.author.name }} {{ headers['x-github-event'] }}"}], pipelineSpec: {}}`,
    'on-push',
  ),
  '.tekton/pull.yaml': runOf(on('pull_request', 'main'), '{pipelineSpec: {}}', 'on-pull'),
  '.tekton/docs.yaml': runOf(on('push', 'main', { 'on-path-change': '[docs/**]' }), '{pipelineSpec: {}}', 'on-docs'),
  '.tekton/tag.yaml': runOf(on('push', 'refs/tags/v*'), '{pipelineSpec: {}}', 'on-tag'),
};
const names = (runs: { metadata: { generateName: string } }[]): string[] =>
  runs.map(({ metadata }) => metadata.generateName.replace(/-$/, '')).sort();

const payload = {
  ref: 'refs/heads/main',
  before: '1'.repeat(40),
  after: '2'.repeat(40),
  repository: {
    name: 'app',
    full_name: 'team/app',
    html_url: 'https://github.com/team/app',
    owner: { login: 'team' },
  },
  pusher: { name: 'kim' },
  sender: { login: 'Kim' },
  head_commit: {
    id: '2'.repeat(40),
    message: 'docs',
    author: { name: 'Kim Lee' },
    added: [],
    removed: [],
    modified: ['docs/a.md'],
  },
};

test('--event by flags resolves only the runs that it starts', async () => {
  await using folder = await makeFolder(files);
  const flags = ['-f', '.tekton', '--event'];
  const push = ['push', '--target-branch', 'main', '--changed-files'];
  assert.deepEqual(names(await objects(folder.path, [...flags, ...push, 'src/a.ts'])), ['on-push']);
  assert.deepEqual(names(await objects(folder.path, [...flags, ...push, 'src/a.ts,docs/b.md'])), [
    'on-docs',
    'on-push',
  ]);
  assert.deepEqual(names(await objects(folder.path, [...flags, 'pull_request', '--target-branch', 'main'])), [
    'on-pull',
  ]);
  assert.deepEqual(names(await objects(folder.path, [...flags, 'tag', '--tag', 'v1.0'])), ['on-tag']);
  const none = await resolve(folder.path, [...flags, 'pull_request', '--target-branch', 'other']);
  assert.deepEqual({ code: none.code, stdout: none.stdout }, { code: 0, stdout: '' });
  assert.match(none.stderr, /the event starts no PipelineRun/);
});

test('--event asks git what has changed where no flag says it', async () => {
  await using folder = await makeFolder(files);
  await commitAll(folder.path);
  await folder.write('docs/new.md', 'new');
  await git(folder.path, 'add', '-A');
  await git(folder.path, 'commit', '-q', '-m', 'docs');
  const flags = ['-f', '.tekton', '--event', 'push', '--target-branch', 'main'];
  assert.deepEqual(names(await objects(folder.path, flags)), ['on-docs', 'on-push']);
});

test("--payload is a webhook's body: event, changed files and variables come from it", async () => {
  await using folder = await makeFolder({
    ...files,
    'hook.json': JSON.stringify(payload),
    'hook.headers': 'X-GitHub-Event: push\n',
  });
  const flags = ['-f', '.tekton', '--payload', 'hook.json', '--headers', 'hook.headers'];
  const runs = await objects(folder.path, flags);
  assert.deepEqual(names(runs), ['on-docs', 'on-push']);
  const pushed = runs.find(({ metadata }) => metadata.generateName === 'on-push-');
  assert.equal(pushed.spec.params[0].value, 'kim Kim Lee push');
});

test('--explain says for each run why it starts or not, as comments before the YAML', async () => {
  await using folder = await makeFolder(files);
  const flags = ['-f', '.tekton', '--event', 'push', '--target-branch', 'main', '--changed-files', 'a', '--explain'];
  const { code, stdout, stderr } = await resolve(folder.path, flags);
  assert.equal(code, 0, stderr);
  const told = stdout.split('---\n')[0] ?? '';
  assert.match(told, /^# yes {2}on-push$/m);
  assert.match(told, /^# no {3}on-docs\n(#.*\n)*# +no +on-path-change: \[docs\/\*\*\]/m);
  assert.match(told, /^# no {3}on-pull$/m);
  for (const line of told.trimEnd().split('\n')) assert.match(line, /^#/);
  assert.deepEqual(names(await objects(folder.path, flags)), ['on-push']);
});

test('an event that cannot be one is refused in one sentence', async () => {
  await using folder = await makeFolder({
    ...files,
    'not.json': '{',
    'other.json': '{}',
    'bad/a.yaml': runOf(on('push', '[main'), '{pipelineSpec: {}}'),
  });
  const flags = ['-f', '.tekton'];
  for (const [words, says] of [
    [['--event', 'pull'], /--event must be one of push, pull_request, .*, but is "pull"/],
    [['--event', 'tag'], /--event tag needs --tag/],
    [['--payload', 'none.json'], /there is no file or folder none\.json/],
    [['--payload', 'not.json'], /not\.json is not valid JSON/],
    [['--payload', 'other.json'], /other\.json is no payload of a forge that is known here/],
  ] as const) {
    assert.match(await refusal(folder.path, [...flags, ...words]), says);
  }
  const bad = ['-f', 'bad', '--event', 'push', '--target-branch', 'main'];
  assert.match(
    await refusal(folder.path, bad),
    /^Error: bad\/a\.yaml, line 7: the annotation on-target-branch of the PipelineRun main cannot be read: .*\[main/,
  );
});
