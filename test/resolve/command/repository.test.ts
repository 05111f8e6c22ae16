import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FakeForgeKind, startForge } from '../../fakes/forge.ts';
import { makeFolder } from '../../support/folder.ts';
import { naming, runOf, taskOf } from '../support/yaml.ts';
import { imagesOf, objects, refusal, resolve } from './command.ts';
import { commitAll } from './git.ts';

const token = 'the-token-of-a-person';
const spec = (name: string): string =>
  naming(name).replace('{', "{params: [{name: p, value: '{{ repo_url }} {{ repo_owner }} {{ revision }}'}], ");
const files = (image: string) => ({
  '.tekton/run.yaml': runOf({ task: './share/x.yaml' }, spec('x')),
  'share/x.yaml': taskOf('x', image),
  'ci/other.yml': runOf({}, '{pipelineSpec: {}}', 'other'),
});

for (const [kind, name] of [
  ['github', 'team/app'],
  ['gitlab', 'team/group/app'],
  ['bitbucket-data-center', 'TEAM/app'],
] as const satisfies readonly (readonly [FakeForgeKind, string])[]) {
  test(`${kind}: --repository reads a private repository at a branch through its API, without a checkout`, async () => {
    await using forge = await startForge(
      kind,
      [{ name, private: true, branches: { main: files('main'), 'feature/one': files('feature') } }],
      { token },
    );
    const [project, slug] = name.split('/');
    const url =
      kind === 'bitbucket-data-center' ? `${forge.url}/projects/${project}/repos/${slug}` : `${forge.url}/${name}`;
    // One's own work tree says nothing of a repository elsewhere.
    await using here = await makeFolder();
    await commitAll(here.path);
    const env = { PAC_PROVIDER_TOKEN: token };
    const [main] = await objects(here.path, ['--repository', url], { env });
    assert.deepEqual(imagesOf(main), { x: 'main' });
    const owner = name.toLowerCase().replace(/\/app$/, '');
    const revision = forge.commit(name, 'main');
    assert.equal(main.spec.params[0].value.replace(/^\S+ \S*/, owner), `${owner} ${revision}`);
    assert.ok(main.spec.params[0].value.startsWith(`${url} `));
    const [feature] = await objects(here.path, ['--repository', url, '--revision', 'feature/one', '-t', token]);
    assert.deepEqual(imagesOf(feature), { x: 'feature' });
    const [other] = await objects(here.path, ['--repository', url, '-f', 'ci/other.yml'], { env });
    assert.equal(other.metadata.generateName, 'other-');
  });
}

test('--repository says in one sentence what is missing, and never the token', async () => {
  await using forge = await startForge('gitlab', [{ name: 'a/b', private: true, branches: { main: files('i') } }], {
    token,
  });
  await using here = await makeFolder();
  const url = `${forge.url}/a/b`;
  assert.match(await refusal(here.path, ['--repository', url]), /Where the repository is private, give a token/);
  const wrong = await resolve(here.path, ['--repository', url, '-t', 'a-wrong-token', '--log-level=debug']);
  assert.equal(wrong.code, 1);
  assert.doesNotMatch(wrong.stderr, /a-wrong-token/);
  assert.match(
    await refusal(here.path, ['--repository', url, '--revision', 'none', '-t', token]),
    /404|not (found|exist)/,
  );
  assert.match(await refusal(here.path, ['--repository', 'nonsense']), /nonsense/);
  assert.match(await refusal(here.path, ['--repository', url, '-t', token, '-f', 'none.yaml']), /none\.yaml/);
  assert.match(
    await refusal(here.path, ['--repository', url, '-t', token, '-f', 'none']),
    /could not find any PipelineRun/,
  );
});
