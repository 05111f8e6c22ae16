import assert from 'node:assert/strict';
import { rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { startForge } from '../../fakes/forge.ts';
import { makeFolder } from '../../support/folder.ts';
import { serve } from '../../support/http-server.ts';
import { naming, runOf, taskOf } from '../support/yaml.ts';
import { refusal, resolve } from './command.ts';
import { commitAll, git } from './git.ts';

test('--diff shows what has changed in the resolved runs, also where only a Task that they embed has', async () => {
  await using folder = await makeFolder({
    '.tekton/a.yaml': runOf({ task: './share/x.yaml' }, naming('x'), 'changed'),
    '.tekton/sub/b.yml': runOf({}, '{pipelineSpec: {}}', 'same'),
    '.tekton/c.yaml': runOf({}, '{pipelineSpec: {}}', 'gone'),
    'share/x.yaml': taskOf('x', 'before'),
  });
  await commitAll(folder.path);
  await folder.write('share/x.yaml', `# only a comment\n${taskOf('x', 'after')}`);
  await folder.write('.tekton/sub/b.yml', `# only a comment\n${runOf({}, '{pipelineSpec: {}}', 'same')}`);
  await rm(path.join(folder.path, '.tekton/c.yaml'));
  await folder.write('.tekton/d.yaml', runOf({}, '{pipelineSpec: {}}', 'new'));

  const { code, stdout, stderr } = await resolve(folder.path, ['-f', '.tekton', '--diff', 'HEAD']);
  assert.equal(code, 0, stderr);
  const lines = stdout.split('\n').filter((line) => /^(---|\+\+\+|[-+] +- image)/.test(line));
  assert.deepEqual(lines, [
    '--- changed (HEAD)',
    '+++ changed (now)',
    '-            - image: before',
    '+            - image: after',
    '--- gone (HEAD)',
    '+++ /dev/null',
    '--- /dev/null',
    '+++ new (now)',
  ]);
  assert.match(stderr, /since HEAD \([0-9a-f]{12}\): 1 changed, 1 added, 1 removed, 1 the same/);
});

test('--diff compares with a branch, a tag, a commit, and with a time before there was anything', async () => {
  await using folder = await makeFolder();
  await commitAll(folder.path, 'empty');
  const empty = await git(folder.path, 'rev-parse', 'HEAD');
  await folder.write('.tekton/a.yaml', runOf({}, '{pipelineSpec: {}}'));
  await commitAll(folder.path, 'two');
  await git(folder.path, 'tag', 'v1');
  await git(folder.path, 'branch', 'feature/one');
  for (const same of ['v1', 'feature/one', 'HEAD', 'HEAD@{0}']) {
    const { stdout, stderr } = await resolve(folder.path, ['-f', '.tekton/a.yaml', '--diff', same]);
    assert.equal(stdout, '', stderr);
    assert.match(stderr, /0 changed, 0 added, 0 removed, 1 the same/);
  }
  for (const before of [empty, 'HEAD~1']) {
    const { stdout } = await resolve(folder.path, ['-f', '.tekton', '--diff', before]);
    assert.match(stdout, /^--- \/dev\/null\n\+\+\+ main \(now\)\n/);
  }
});

test('--diff reads links as a checkout does, and a folder that is not the root', async () => {
  await using outside = await makeFolder({ 'x.yaml': runOf({}, '{pipelineSpec: {}}', 'outside') });
  await using folder = await makeFolder({
    'team/.tekton/a.yaml': runOf({ task: './tasks/x.yaml' }, naming('x')),
    'team/tasks/x.yaml': taskOf('x', 'before'),
    'shared.yaml': runOf({}, '{pipelineSpec: {}}', 'linked'),
  });
  await symlink('../../shared.yaml', path.join(folder.path, 'team/.tekton/link.yaml'));
  await symlink(path.join(outside.path, 'x.yaml'), path.join(folder.path, 'team/.tekton/out.yaml'));
  await commitAll(folder.path);
  await folder.write('team/tasks/x.yaml', taskOf('x', 'after'));
  const { stdout, stderr } = await resolve(path.join(folder.path, 'team'), ['-f', '.tekton', '--diff', 'HEAD']);
  assert.match(stderr, /1 changed, 0 added, 0 removed, 1 the same/);
  assert.match(stdout, /-.*image: before\n\+.*image: after\n/);
});

test('variables, event and flags are the same on both sides, and -o takes the difference', async () => {
  const spec = "{params: [{name: p, value: '{{ revision }} {{ x }}'}], pipelineSpec: {}}";
  await using folder = await makeFolder({
    '.tekton/a.yaml': runOf({ 'on-event': 'push', 'on-target-branch': 'main' }, spec, 'pushed'),
    '.tekton/b.yaml': runOf({ 'on-event': 'pull_request', 'on-target-branch': 'main' }, spec, 'asked'),
  });
  await commitAll(folder.path);
  await folder.write('.tekton/b.yaml', runOf({}, '{}', 'asked'));
  await commitAll(folder.path, 'two');
  const flags = ['-f', '.tekton', '-p', 'x=1', '--event', 'push', '--target-branch', 'main', '-o', 'out.diff'];
  const { stdout, stderr } = await resolve(folder.path, [...flags, '--diff', 'HEAD~1']);
  assert.equal(stdout, 'The difference has been written to out.diff\n', stderr);
  assert.match(stderr, /0 changed, 0 added, 0 removed, 1 the same/);
});

test('each side of --diff is held to its own lock: what --lock would change is shown', async () => {
  let image = 'before';
  await using server = await serve((_request, response) => response.end(taskOf('x', image)));
  await using folder = await makeFolder({ '.tekton/a.yaml': runOf({ task: `${server.url}/x.yaml` }, naming('x')) });
  assert.equal((await resolve(folder.path, ['-f', '.tekton', '--lock'])).code, 0);
  await commitAll(folder.path);
  image = 'after';
  const { stdout, stderr } = await resolve(folder.path, ['-f', '.tekton', '--lock', '--diff', 'HEAD']);
  assert.match(stdout, /-.*image: before\n\+.*image: after\n/, stderr);
});

test('--diff of a repository that is read through its forge', async () => {
  const files = (image: string) => ({
    '.tekton/a.yaml': runOf({ task: './x.yaml' }, naming('x')),
    'x.yaml': taskOf('x', image),
  });
  await using forge = await startForge('gitlab', [
    { name: 'team/app', branches: { main: files('before'), 'feature/one': files('after') } },
  ]);
  await using folder = await makeFolder();
  const flags = ['--repository', `${forge.url}/team/app`, '--revision', 'feature/one', '--diff', 'main'];
  const { stdout, stderr } = await resolve(folder.path, flags);
  assert.match(stdout, /^--- main \(main\)\n\+\+\+ main \(feature\/one\)\n/, stderr);
  assert.match(stdout, /-.*image: before\n\+.*image: after\n/);
});

test('--diff says in one sentence what it cannot do', async () => {
  await using folder = await makeFolder({ '.tekton/a.yaml': runOf({}, '{pipelineSpec: {}}') });
  const flags = ['-f', '.tekton', '--diff'];
  assert.match(await refusal(folder.path, [...flags, 'HEAD']), /--diff compares with a revision of a git repository/);
  await commitAll(folder.path);
  assert.match(await refusal(folder.path, [...flags, 'none']), /there is no revision "none" in the repository/);
  assert.match(await refusal(folder.path, [...flags, '--output=x']), /there is no revision "--output=x"/);
  assert.match(
    await refusal(folder.path, [...flags, 'HEAD', '--create']),
    /--diff .* --create .*leave one of them out/,
  );
  await using other = await makeFolder({ 'b.yaml': runOf({}, '{pipelineSpec: {}}') });
  const outside = ['-f', path.join(other.path, 'b.yaml'), '--diff', 'HEAD'];
  assert.match(await refusal(folder.path, outside), /-f names .*b\.yaml, which is outside of it/);
  await folder.write('.tekton/a.yaml', 'a: 1\n  b: 2\n');
  await commitAll(folder.path, 'broken');
  await folder.write('.tekton/a.yaml', runOf({}, '{pipelineSpec: {}}'));
  assert.match(await refusal(folder.path, [...flags, 'HEAD']), /HEAD:\.tekton\/a\.yaml, line \d+ is not valid YAML/);
});
