// A private repository of a real Gitea that pods of the project's own cluster reach.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { settingsFrom } from '../cluster/settings.ts';
import { buildGitea } from '../resolve/gitea/build.ts';
import { type Gitea, startGitea } from '../resolve/gitea/gitea.ts';
import { root, yamlBlocksOf } from '../support/markdown.ts';
import { apply } from './support/apply.ts';
import { context } from './support/context.ts';
import { testNamespace } from './support/namespace.ts';
import { childrenOf, ended, logOf, run, verdict } from './support/runs.ts';
import { createdRuns, userOf, withImages } from './support/user.ts';

const example = path.join(root, 'examples/pac-repo');
const release = 'ci/release.yaml';

describe('a private repository of Gitea', { skip: !context.ownCluster, concurrency: 2 }, () => {
  let gitea: Gitea;
  let token: string;
  let url: string;

  before(async () => {
    gitea = await startGitea(
      await buildGitea(AbortSignal.timeout(45 * 60_000)),
      settingsFrom(process.env).network.host,
    );
    url = `${gitea.url}/owner/pac-repo`;
    const task = await readFile(path.join(root, 'tasks/subpipe/subpipe.yaml'), 'utf8');
    await gitea.repository('library', true, { 'tasks/subpipe.yaml': withImages(task) });
    const files = await exampleFiles();
    const push = files['.tekton/push.yaml'] ?? '';
    const library = `${gitea.url}/owner/library/src/branch/main/tasks/subpipe.yaml`;
    await gitea.repository('pac-repo', true, {
      ...files,
      '.tekton/push.yaml': push.replace('ci/subpipe.yaml', library),
    });
    token = await gitea.readToken();
  });

  after(() => gitea?.[Symbol.asyncDispose]());

  it('is resolved by a command without a checkout, with our Task from another private repository', async (t) => {
    const namespace = await testNamespace(t, 'pac');
    const user = await userOf(t, namespace);
    await apply(namespace, withImages(await readFile(path.join(example, release), 'utf8')));
    await user.shell('kubectl delete task/subpipe');
    const command = `kubectl subpipe resolve --repository ${url} --event push --target-branch main`;
    await assert.rejects(user.shell(command), /give a token for/);
    const [name = ''] = createdRuns(await user.shell(`PAC_PROVIDER_TOKEN=${token} ${command} | kubectl create -f -`));
    assert.equal(verdict(await ended(namespace, name)), 'True Succeeded');
    assert.match(await logOf(namespace, name, 'release'), /\[release\/publish\/run\] publishing [0-9a-f]{40}$/m);
  });

  it('is resolved by the Task pac-resolve as its README says, with the token in no param and no log', async (t) => {
    const namespace = await testNamespace(t, 'pac');
    await apply(namespace, withImages(await readFile(path.join(example, release), 'utf8')), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'forge' },
      stringData: { token },
    });
    const [block] = await yamlBlocksOf('tasks/pac-resolve/README.md');
    const yaml = (block?.text ?? '')
      .replace('https://git.example.com/acme/pac-repo', url)
      .replace('generateName: resolve-', 'name: main');
    const done = await run(namespace, yaml);
    assert.equal(verdict(done), 'True Succeeded');
    const [pushed] = await childrenOf(namespace, 'main');
    assert.equal(pushed?.metadata.annotations?.['pipelinesascode.tekton.dev/original-prname'], 'push');
    assert.match(await logOf(namespace, 'main', 'wait'), /publishing [0-9a-f]{40}$/m);
    assert.ok(!(await logOf(namespace, 'main', 'resolve')).includes(token));
    assert.ok(!JSON.stringify([done, pushed]).includes(token));
  });
});

/** The example's files by path, with images that the cluster of the tests can pull. */
async function exampleFiles(): Promise<Record<string, string>> {
  const names = (await readdir(example, { recursive: true })).filter((name) => /\.ya?ml$/.test(name));
  const texts = names.map(async (name) => [name, withImages(await readFile(path.join(example, name), 'utf8'))]);
  return Object.fromEntries(await Promise.all(texts));
}
