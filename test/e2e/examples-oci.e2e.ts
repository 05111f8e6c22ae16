import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { settingsFrom } from '../cluster/settings.ts';
import { makeFolder } from '../support/folder.ts';
import { gitBackend, makeRepository, withGit } from '../support/git-server.ts';
import { serve } from '../support/http-server.ts';
import { blocksOf, root } from '../support/markdown.ts';
import { context } from './support/context.ts';
import { pushGitImage } from './support/git-image.ts';
import { emptyNamespace } from './support/namespace.ts';
import { ended, logOf, resultsOf, verdict } from './support/runs.ts';
import { createdRuns, type User, userOf } from './support/user.ts';
import { ms, pulled, registry } from './support/wrapped.ts';

const { network } = settingsFrom(process.env);
const skip = context.ownCluster ? withGit.skip : 'no registry of our own beside a cluster that KUBECONFIG names';

/** The blocks of an example's README for a shell. */
async function shellBlocks(example: string): Promise<string[]> {
  const file = `examples/${example}/README.md`;
  const blocks = blocksOf(await readFile(path.join(root, file), 'utf8'), file);
  return blocks.flatMap(({ language, text }) => (language === 'sh' ? [text] : []));
}

/** Somebody with an empty namespace who has put their own names into an example's files, as its README says. */
async function newUser(
  t: TestContext,
  example: string,
  names: Record<string, Record<string, string>>,
): Promise<User & { namespace: string }> {
  const namespace = await emptyNamespace(t);
  const user = await userOf(t, namespace);
  for (const [name, replacements] of Object.entries(names)) {
    const file = path.join(user.folder, 'examples', example, name);
    let text = await readFile(file, 'utf8');
    for (const [theirs, own] of Object.entries(replacements)) {
      assert.equal(text.split(theirs).length, 2, `${name} has ${JSON.stringify(theirs)} once`);
      text = text.replace(theirs, own);
    }
    await writeFile(file, text);
  }
  return { ...user, namespace };
}

/** The registry in a Pipeline, and that it has no TLS. */
const ownRegistry = (repository: string): Record<string, string> => ({
  [`registry.example.com/team/${repository}`]: `${registry}/e2e/${repository}-${Date.now()}`,
  "- name: insecure\n      default: ''": `- name: insecure\n      default: ${registry}`,
});

/** The commands of a block that makes a run, and that run's end. */
async function succeeded(user: User & { namespace: string }, commands: string): Promise<string> {
  const [name = ''] = createdRuns(await user.shell(commands));
  const done = await ended(user.namespace, name, ms);
  assert.equal(verdict(done), 'True Succeeded', String(done.status?.conditions?.[0]?.message));
  return name;
}

describe('examples of workspaces as images', { concurrency: 2, skip }, () => {
  it('oci-chain runs with the commands of its README: nothing that a Task has left is lost', async (t) => {
    const image = `${registry}/e2e/git:chain`;
    await pushGitImage(image, {});
    await using repository = await makeFolder({ 'work/README.md': 'an app  \n', 'work/src/main.sh': 'echo hello\n' });
    const commit = makeRepository(path.join(repository.path, 'work'), path.join(repository.path, 'team/app.git'));
    await using server = await serve(gitBackend(repository.path), undefined, network.host);
    const user = await newUser(t, 'oci-chain', {
      'pipeline.yaml': ownRegistry('oci-chain'),
      'run.yaml': { 'https://git.example.com/team/app.git': `${server.url}/team/app.git` },
      'tasks/clone.yaml': { 'docker.io/alpine/git:v2.49.1': image },
    });
    const [start = '', look = ''] = await shellBlocks('oci-chain');
    const name = await succeeded(user, start);

    const deployed = await logOf(user.namespace, name, 'deploy');
    const notes = 'the integration tests have passed\nthe unit tests have passed\n';
    assert.match(deployed, new RegExp(`deploying ${commit}:`));
    assert.match(deployed, new RegExp(`^${notes}`, 'm'));
    assert.deepEqual([...deployed.matchAll(/^\.\/.*/gm)].map(String).sort(), [
      './release/app.tar',
      './release/notes.txt',
    ]);
    const { image: packaged } = await resultsOf(user.namespace, name, 'package');
    const folder = await pulled(String(packaged));
    const files = { 'README.md': 'an app\n', 'src/main.sh': 'echo hello\n', 'release/notes.txt': notes };
    for (const [file, text] of Object.entries(files)) {
      assert.equal(await readFile(path.join(folder, file), 'utf8'), text, file);
    }

    // A registry without TLS needs a flag of each command.
    const said = await user.shell(look.replaceAll(/^npx subpipe workspace .*$/gm, `$& --insecure ${registry}`));
    for (const line of [
      /^A .* release\/notes\.txt$/m,
      /^M .* README\.md$/m,
      /^A .* reports\/unit\.txt$/m,
      /^A .* reports\/integration\.txt$/m,
    ]) {
      assert.match(said, line);
    }
    assert.doesNotMatch(said, /^[AMD] .*files\.tmp$/m, 'what build has added and tidy has removed is no difference');
    for (const task of ['clone', 'build', 'unit', 'integration', 'tidy', 'package']) {
      assert.match(said, new RegExp(`\\b${task}\\b`), 'the log names each Task');
    }
  });

  it('oci-cache runs with the commands of its README: a miss, then a hit, then a part', async (t) => {
    const user = await newUser(t, 'oci-cache', { 'pipeline.yaml': ownRegistry('cache') });
    const [start = '', look = ''] = await shellBlocks('oci-cache');
    const again = start.trim().split('\n').at(-1) ?? '';
    assert.match(again, /^kubectl create /);
    const seen: unknown[] = [];
    const runAndSee = async (commands: string): Promise<string> => {
      const name = await succeeded(user, commands);
      const { cache, saved } = await resultsOf(user.namespace, name, 'build');
      seen.push([cache, saved]);
      const log = await logOf(user.namespace, name, 'build');
      return (log.match(/^(fetching \S+|\S+ is there)$/gm) ?? []).join(', ');
    };
    assert.equal(await runAndSee(start), 'fetching left-pad, fetching right-pad');
    assert.equal(await runAndSee(again), 'left-pad is there, right-pad is there');
    const file = path.join(user.folder, 'examples/oci-cache/run.yaml');
    const text = await readFile(file, 'utf8');
    assert.match(text, /value: left-pad right-pad\n/);
    await writeFile(file, text.replace('left-pad right-pad', 'left-pad right-pad center-pad'));
    assert.equal(await runAndSee(again), 'left-pad is there, right-pad is there, fetching center-pad');
    assert.deepEqual(seen, [
      ['miss', 'saved'],
      ['hit', 'there'],
      ['partial', 'saved'],
    ]);
    const table = (await user.shell(look)).trim().split('\n').slice(1);
    assert.deepEqual(table.map((row) => row.split(/ +/)[1]).sort(), ['hit,there', 'miss,saved', 'partial,saved']);
  });
});
