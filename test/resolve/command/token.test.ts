import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { KubeObject, Resource } from '../../../runtime/kube/resource.ts';
import { askToken } from '../../../steps/pac-resolve/ask-token.ts';
import { FakeKube } from '../../fakes/kube.ts';
import { makeFolder } from '../../support/folder.ts';
import { clientOf } from '../../support/kube.ts';
import { parsedIn } from '../support/parsed.ts';
import { runOf } from '../support/yaml.ts';
import { commandLine, environment, objects, refusal, resolve } from './command.ts';

const uses = runOf(
  {},
  '\n  pipelineSpec: {}\n  workspaces:\n    - name: w\n      secret:\n        secretName: "{{ git_auth_secret }}"',
);
const repository = ['-p', 'repo_url=https://git.example.com/Team/App', '-p', 'revision=1'];
const flags = ['-f', '.tekton', ...repository];

/** util-linux' script(1) gives a process a terminal. */
const script = spawnSync('script', ['--version']).status === 0 && existsSync('/dev/ptmx');

test('at a terminal the token is asked for, and is not shown as it is typed', {
  skip: !script && 'there is no script(1)',
}, async () => {
  await using folder = await makeFolder({ '.tekton/a.yaml': uses });
  const command = [...commandLine, ...flags].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', `${command} > out.yaml`, '/dev/null'], {
    cwd: folder.path,
    env: environment(folder.path, { SHELL: '/bin/sh' }),
  });
  let shown = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const asked = shown.includes('Token for the Secret');
    shown += String(chunk);
    if (!asked && shown.includes('Token for the Secret')) child.stdin.write('typed-by-hande\u007f\r');
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0, shown);
  assert.doesNotMatch(shown, /typed/);
  const [secret, run] = await parsedIn(await readFile(`${folder.path}/out.yaml`, 'utf8'), 'out.yaml');
  assert.equal(secret.stringData['git-provider-token'], 'typed-by-hand');
  assert.equal(run.spec.workspaces[0].secret.secretName, secret.metadata.name);
});

class Typed extends EventEmitter {
  readonly isTTY = true as const;
  raw = false;
  setRawMode(mode: boolean): this {
    this.raw = mode;
    return this;
  }
  pause(): this {
    return this;
  }
  resume(): this {
    return this;
  }
}

test('a prompt ends with Enter, Ctrl-C or a signal, and leaves the terminal as it was', async () => {
  const ask = (typed: Typed, signal = new AbortController().signal) =>
    askToken(signal, { stdin: typed, stderr: { write: () => true } });
  for (const [keys, expected] of [
    ['abc\r', 'abc'],
    ['ab\u007f\bx\n', 'x'],
    ['\r', undefined],
  ] as const) {
    const typed = new Typed();
    const asked = ask(typed);
    assert.equal(typed.raw, true);
    typed.emit('data', keys);
    assert.equal(await asked, expected);
    assert.equal(typed.raw, false);
    assert.equal(typed.listenerCount('data'), 0);
  }
  const stopped = new Typed();
  const cancelled = ask(stopped);
  stopped.emit('data', 'ab\u0003');
  await assert.rejects(cancelled, /cancelled/);
  assert.equal(stopped.raw, false);
  const end = new AbortController();
  const aborted = ask(stopped, end.signal);
  end.abort(new Error('stopped by SIGTERM'));
  await assert.rejects(aborted, /stopped by SIGTERM/);
  assert.equal(stopped.raw, false);
});

test('without a terminal and without a token it is an error that says what to give; --no-secret and -p give it', async () => {
  await using folder = await makeFolder({ '.tekton/a.yaml': uses });
  assert.match(await refusal(folder.path, flags), /no terminal to ask at\. Give one with -t or PAC_PROVIDER_TOKEN/);
  const none = await resolve(folder.path, [...flags, '--no-secret']);
  assert.equal(none.code, 0, none.stderr);
  assert.doesNotMatch(none.stdout, /kind: Secret/);
  const named = await objects(folder.path, [...flags, '-p', 'git_auth_secret=mine']);
  assert.equal(named.length, 1);
  assert.equal(named[0].spec.workspaces[0].secret.secretName, 'mine');
  const created = await refusal(folder.path, [...flags, '-t', 'a-token', '--create']);
  assert.match(created, /--create makes no Secret\. Name one that is there with -p git_auth_secret=NAME/);
});

const secrets: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };

test("a Secret that the cluster has for the repository is used, in the kubeconfig's namespace or -n's; none of another repository", async () => {
  await using folder = await makeFolder({ '.tekton/a.yaml': uses });
  await using kube = await FakeKube.start();
  await using own = await clientOf(kube);
  const labels = (name: string) => ({
    'pipelinesascode.tekton.dev/url-org': 'team',
    'pipelinesascode.tekton.dev/url-repository': name,
  });
  const add = (name: string, of: string, data: Record<string, string>, namespace = 'ci') =>
    kube.add(secrets, { metadata: { name, namespace, labels: labels(of) }, data } as KubeObject);
  add('other', 'other', { 'git-provider-token': 'eA==' });
  add('empty', 'app', {});
  const cluster = ['--kubeconfig', own.kubeconfig];
  const [made] = await objects(folder.path, [...flags, ...cluster, '-t', 'a-token']);
  assert.equal(made.kind, 'Secret');
  add('theirs', 'app', { 'git-provider-token': 'eA==' });
  add('tools', 'app', { 'git-provider-token': 'eA==' }, 'tools');
  const [run, ...more] = await objects(folder.path, [...flags, ...cluster]);
  assert.deepEqual(more, []);
  assert.equal(run.spec.workspaces[0].secret.secretName, 'theirs');
  const [other] = await objects(folder.path, [...flags, ...cluster, '-n', 'tools']);
  assert.equal(other.spec.workspaces[0].secret.secretName, 'tools');
});

test('a cluster that may not be asked, or is not there, is no error: the token is used', async () => {
  await using folder = await makeFolder({ '.tekton/a.yaml': uses });
  let kubeconfig = '';
  {
    await using kube = await FakeKube.start();
    await using own = await clientOf(kube);
    kubeconfig = await folder.write('kubeconfig', kube.kubeconfig({ user: {} }));
    kube.forbid({ resource: 'secrets' });
    const [secret] = await objects(folder.path, [...flags, '--kubeconfig', own.kubeconfig, '-t', 'a-token']);
    assert.equal(secret.kind, 'Secret');
  }
  const [secret] = await objects(folder.path, [...flags, '--kubeconfig', kubeconfig, '-t', 'a-token']);
  assert.equal(secret.kind, 'Secret');
});
