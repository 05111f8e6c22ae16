import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { describe, it } from 'node:test';
import type { KubeObject, Resource } from '../../runtime/kube/resource.ts';
import { execute, subpipe } from './support/command.ts';
import { context, kube } from './support/context.ts';
import { emptyNamespace } from './support/namespace.ts';
import { childrenOf, ended, logOf, verdict } from './support/runs.ts';
import { userOf } from './support/user.ts';

const root = path.join(import.meta.dirname, '../..');
const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' };

/** The commands of a README's blocks for a shell. */
async function commandsOf(readme: string): Promise<string[]> {
  const blocks = (await readFile(readme, 'utf8')).matchAll(/```sh\n(.*?)```/gs);
  return [...blocks].flatMap(([, text = '']) => text.trim().split('\n'));
}

describe('examples/main-tests-deploy', { concurrency: 2 }, () => {
  it('runs with the commands of its README and nothing else', async (t) => {
    const commands = await commandsOf(path.join(root, 'examples/main-tests-deploy/README.md'));
    const [apply = '', applyToo = '', create = '', look = ''] = commands;
    assert.deepEqual(
      [apply, applyToo, create, look].map((command) => command.split(' ').slice(0, 2).join(' ')),
      ['kubectl apply', 'kubectl apply', 'kubectl create', 'kubectl get'],
    );
    const namespace = await emptyNamespace(t);
    const { shell } = await userOf(t, namespace);
    await shell(apply);
    await shell(applyToo);
    const name = /pipelinerun\.tekton\.dev\/(\S+) created/.exec(await shell(create))?.[1] ?? '';
    assert.equal(verdict(await ended(namespace, name)), 'True Succeeded');
    assert.match(await shell(look), new RegExp(`${name} +True +Succeeded`));
    const called = (await childrenOf(namespace, name)).map(({ spec }) => spec.pipelineRef?.name);
    assert.deepEqual(called, ['tests', 'deploy']);
    assert.match(
      await logOf(namespace, name, 'tests'),
      /\[tests\/run-suites\/run\] the integration tests of registry.example.com\/app:v1.2.3 have passed/,
    );
    assert.match(
      await logOf(namespace, name, 'deploy'),
      /deploying registry.example.com\/app:v1.2.3 to staging.eu.example.com/,
    );
    assert.match(
      await logOf(namespace, name, 'announce'),
      /"url":"https:\/\/staging.eu.example.com"}, with the reports unit.xml integration.xml/,
    );
    assert.match(await logOf(namespace, name, 'report'), /tests Succeeded, deploy Succeeded, all Succeeded/);
  });

  it('has a Task for tests that is what the command in its README makes', async () => {
    const commands = await commandsOf(path.join(root, 'examples/main-tests-deploy/README.md'));
    const words = /^npx subpipe (stub .*) > tests-task\.yaml$/;
    const argv = commands
      .flatMap((command) => words.exec(command)?.[1] ?? [])
      .join('')
      .split(' ');
    const folder = path.join(root, 'examples/main-tests-deploy/pipelines');
    const made = await execute(process.execPath, [path.join(root, 'kubectl/main.ts'), ...argv], { folder });
    assert.equal(made.stdout, await readFile(path.join(folder, 'tests-task.yaml'), 'utf8'), made.stderr);
    assert.equal(
      (await subpipe(['stub', '-f', `${folder}/tests.yaml`, '--check', `${folder}/tests-task.yaml`])).code,
      0,
    );
  });
});

describe('npm run demo', () => {
  const env = {
    KUBECONFIG: context.kubeconfig,
    SUBPIPE_IMAGE_PREFIX: context.imagePrefix,
    SUBPIPE_IMAGE_TAG: context.imageTag,
    SUBPIPE_SHELL_IMAGE: context.shellImage,
  };

  it('shows logs and the tree of runs, ends with a table, and leaves nothing behind', async () => {
    const done = await execute(process.execPath, ['examples/demo.ts'], { env });
    assert.equal(done.code, 0, done.stderr);
    const { stdout } = done;
    assert.match(stdout, /^\[main\/tests\/run-suites\/run\] the unit tests of .* have passed$/m);
    assert.match(stdout, /^● main\/deploy running$/m);
    assert.match(stdout, /^│ {2}└─ ✓ main-\w+-tests-\w+ \(tests\) +succeeded/m);
    const table = stdout.slice(stdout.lastIndexOf('\nRUN ')).trim().split('\n');
    assert.deepEqual(
      table.map((row) => row.split(/ {2,}/).filter((_, at) => at !== 2 && at !== 5)),
      [
        ['RUN', 'PIPELINE', 'STATUS', 'TASKS'],
        ['main', 'main', 'succeeded', '5 of 5'],
        ['main/tests', 'tests', 'succeeded', '1 of 1'],
        ['main/deploy', 'deploy', 'succeeded', '1 of 1'],
      ],
    );
    await assertGone(done.stderr);
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const program = `
      const { spawn } = require('node:child_process');
      const demo = spawn(process.execPath, ['examples/demo.ts'], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      demo.stdout.on('data', (text) => {
        if (said === '' && text.includes('running')) demo.kill('SIGINT');
        said += text.includes('running') ? 'x' : '';
      });
      demo.on('close', (code) => process.exit(code));
    `;
    const done = await execute(process.execPath, ['-e', program], { env });
    assert.equal(done.code, 1, done.stderr);
    await assertGone(done.stderr);
  });

  async function assertGone(stderr: string): Promise<void> {
    const name = /subpipe-demo-[0-9a-f]+/.exec(stderr)?.[0];
    assert.ok(name, stderr);
    const { items } = await kube.list<KubeObject>(namespaces, '', { fieldSelector: `metadata.name=${name}` });
    assert.deepEqual(items, []);
  }
});
