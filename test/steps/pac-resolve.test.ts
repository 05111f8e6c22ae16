import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parseYamlAll } from '../../runtime/yaml.ts';
import { pacResolve } from '../../steps/pac-resolve/step.ts';
import { makeFolder } from '../support/folder.ts';
import { execute } from '../support/step.ts';

const git = (cwd: string, ...args: string[]) => promisify(execFile)('git', args, { cwd });

const run = (spec: string): string =>
  `apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {name: r, namespace: other}\nspec: ${spec}\n`;

test('short flags stand together and take their value as the next word or at once, as in the command it replaces', async () => {
  await using folder = await makeFolder({ 'a.yaml': run("{pipelineSpec: {}, params: [{name: p, value: '{{ x }}'}]}") });
  const file = path.join(folder.path, 'a.yaml');
  for (const argv of [
    ['-Bf', file, '-p', 'x=1'],
    ['-B', `-f${file}`, '-px=1'],
    ['--v1beta1', '--filename', file, '--params=x=1'],
  ]) {
    const { code, stdout, stderr } = await execute(pacResolve, argv);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^---\napiVersion: tekton\.dev\/v1beta1\n/);
    assert.match(stdout, /value: '1'\n/);
  }
});

test('the result has no namespace, and says the name in the repository', async () => {
  await using folder = await makeFolder({ '.tekton/a.yaml': run('{pipelineSpec: {}}') });
  const { stdout } = await execute(pacResolve, [`--source=${folder.path}`]);
  const name = { 'pipelinesascode.tekton.dev/original-prname': 'r' };
  assert.deepEqual(await parseYamlAll(stdout, 'stdout'), [
    {
      apiVersion: 'tekton.dev/v1',
      kind: 'PipelineRun',
      metadata: { generateName: 'r-', labels: name, annotations: name },
      spec: { pipelineSpec: {} },
    },
  ]);
});

test('-o writes a file that only its owner reads, and says so', async () => {
  await using folder = await makeFolder({ '.tekton/a.yaml': run('{pipelineSpec: {}}') });
  const { stdout } = await execute(pacResolve, [`--source=${folder.path}`, '-o', 'out/all.yaml']);
  assert.equal(stdout, 'PipelineRun has been written to out/all.yaml\n');
  const file = path.join(folder.path, 'out/all.yaml');
  assert.match(await readFile(file, 'utf8'), /generateName: r-/);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('without -f there is an error, and exit code 1', async () => {
  const { code, stdout, stderr } = await execute(pacResolve, []);
  assert.deepEqual(
    { code, stdout, stderr },
    { code: 1, stdout: '', stderr: 'Error: you need to at least specify a file with -f.\n' },
  );
});

test('repo_url, revision, owner and name come from git, unless -p gives them', async () => {
  await using folder = await makeFolder({
    '.tekton/a.yaml': run(
      "{pipelineSpec: {}, params: [{name: a, value: '{{ repo_url }} {{ repo_owner }} {{ repo_name }} {{ revision }}'}]}",
    ),
  });
  await git(folder.path, 'init', '-q');
  await git(folder.path, 'remote', 'add', 'origin', 'git@git.example.com:Team/App.git');
  await git(folder.path, '-c', 'user.name=a', '-c', 'user.email=a@b.c', 'commit', '-q', '--allow-empty', '-m', 'x');
  const head = (await git(folder.path, 'rev-parse', 'HEAD')).stdout.trim();
  const env = { PATH: process.env.PATH };
  const source = `--source=${folder.path}`;
  const { stdout } = await execute(pacResolve, [source], { env });
  assert.ok(stdout.includes(`value: https://git.example.com/Team/App team app ${head}\n`), stdout);
  const given = await execute(pacResolve, [source, '-p', 'revision=v1'], { env });
  assert.ok(given.stdout.includes('team app v1\n'), given.stdout);
});

test('git_auth_secret makes a Secret with the token', async () => {
  await using folder = await makeFolder({
    '.tekton/a.yaml': run(
      `\n  pipelineSpec: {}\n  workspaces:\n    - name: w\n      secret:\n        secretName: "{{ git_auth_secret }}"`,
    ),
  });
  const argv = [`--source=${folder.path}`, '-p', 'repo_url=https://git.example.com/a/b', '-p', 'revision=1'];
  const { stdout } = await execute(pacResolve, argv, { env: { PAC_PROVIDER_TOKEN: 'a token/with' } });
  const [secret, resolved] = (await parseYamlAll(stdout, 'stdout')) as {
    metadata: { name: string };
    stringData: Record<string, string>;
    spec: { workspaces: { secret: { secretName: string } }[] };
  }[];
  assert.match(secret?.metadata.name ?? '', /^pac-gitauth-[a-z]{6}$/);
  assert.equal(secret?.stringData['.git-credentials'], 'https://git:a+token%2Fwith@git.example.com/a/b');
  assert.equal(resolved?.spec.workspaces[0]?.secret.secretName, secret?.metadata.name);
});

test('--tag is the tag of a push, and --target-run the PipelineRun of an incoming webhook', async () => {
  const named = (name: string, annotations: string): string =>
    `apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {name: ${name}, annotations: {${annotations}}}\nspec: {pipelineSpec: {}}\n`;
  const on = (event: string, branch: string): string =>
    `pipelinesascode.tekton.dev/on-event: '[${event}]', pipelinesascode.tekton.dev/on-target-branch: '[${branch}]'`;
  await using folder = await makeFolder({
    '.tekton/a.yaml': [
      named('tagged', on('push', 'refs/tags/v*')),
      named('asked', on('incoming', 'main')),
      named('other', on('incoming', 'main')),
    ].join('---\n'),
  });
  const started = async (...argv: string[]) => {
    const { stdout, stderr } = await execute(pacResolve, [`--source=${folder.path}`, ...argv]);
    assert.equal(stderr, '');
    return [...stdout.matchAll(/generateName: (\w+)-/g)].map(([, name]) => name);
  };
  assert.deepEqual(await started('--event=tag', '--tag=v1.2'), ['tagged']);
  assert.deepEqual(await started('--event=incoming', '--target-branch=main', '--target-run=asked'), ['asked']);
});
