// Against a real Gitea. Needs no cluster: `node --test test/e2e/gitea.e2e.ts` runs it by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openForgeRepository } from '../../runtime/resolve/sources/repository.ts';
import { buildGitea } from '../resolve/gitea/build.ts';
import { type Gitea, startGitea } from '../resolve/gitea/gitea.ts';
import { keptLog, sourcesFor, task } from '../resolve/support/sources.ts';

const files = {
  '.tekton/run.yaml': 'kind: PipelineRun\n',
  '.tekton/sub/deep/task.yml': task('deep'),
  '.tekton/readme.md': '# not YAML\n',
  'tasks/a.yaml': task('a'),
  'tasks/b.yaml': task('b'),
};

let gitea: Gitea;
let token: string;

before(async () => {
  gitea = await startGitea(await buildGitea(AbortSignal.timeout(45 * 60_000)));
  for (const [name, isPrivate] of [
    ['secret', true],
    ['open', false],
  ] as const) {
    await gitea.repository(name, isPrivate, files);
    await gitea.branch(name, 'feature/x', { 'tasks/branch.yaml': task('branch') });
  }
  token = await gitea.readToken();
});

after(() => gitea?.[Symbol.asyncDispose]());

const at = (url: string) => ({ kind: 'url' as const, url });
const home = (extra: object = {}) => sourcesFor({ repoUrl: `${gitea.url}/owner/secret`, token, ...extra });

test('blob and raw URLs of a private repository, with the token', async () => {
  for (const form of ['src/branch/main', 'raw/branch/main']) {
    const fetched = await home().fetch(at(`${gitea.url}/owner/secret/${form}/tasks/a.yaml`), 'task');
    assert.equal(fetched.text, task('a'));
  }
});

test('a private repository without a token, and with a wrong one, is refused', async () => {
  const url = at(`${gitea.url}/owner/secret/src/branch/main/tasks/a.yaml`);
  await assert.rejects(home({ token: undefined }).fetch(url, 'task'), { code: 'NOT_FOUND' });
  await assert.rejects(home({ token: 'no-token-of-this-gitea' }).fetch(url, 'task'), { code: 'FORBIDDEN' });
});

test('%2F in the name of a branch, private and public, and the file beside it', async () => {
  for (const [repository, sources] of [
    ['secret', home()],
    ['open', home({ token: undefined })],
  ] as const) {
    const url = `${gitea.url}/owner/${repository}/src/branch/feature%2Fx/tasks/branch.yaml`;
    const fetched = await sources.fetch(at(url), 'task');
    assert.equal(fetched.text, task('branch'));
    assert.equal((await sources.fetch(fetched.relative('./b.yaml'), 'task')).text, task('b'));
  }
});

test('a repository by its URL and a branch, without a checkout: its kind is asked, its files are read', async () => {
  for (const revision of ['main', 'feature/x', undefined]) {
    const repository = await openForgeRepository({
      url: `${gitea.url}/owner/secret.git`,
      revision,
      token,
      allowPrivateAddresses: true,
      log: keptLog().log,
    });
    assert.equal(repository.forge, 'gitea');
    assert.match(repository.revision, /^[0-9a-f]{40}$/);
    assert.deepEqual(await repository.files(), [
      { path: '.tekton/run.yaml', text: files['.tekton/run.yaml'] },
      { path: '.tekton/sub/deep/task.yml', text: task('deep') },
    ]);
    // What kind of forge, the commit, three trees' requests at most, and the two files.
    assert.ok(repository.requests <= 6, `${repository.requests} requests`);
    assert.equal(await repository.read('tasks/a.yaml'), task('a'));
    await assert.rejects(repository.read('none.yaml'), { code: 'NOT_FOUND' });
  }
});

test('a git reference is fetched by the program git, and by the API where the forge is known', async () => {
  const reference = {
    kind: 'git' as const,
    url: `${gitea.url}/owner/secret.git`,
    revision: 'feature/x',
    path: 'tasks/branch.yaml',
  };
  assert.equal((await home().fetch(reference, 'task')).text, task('branch'));
  assert.equal((await home({ forge: 'gitea' }).fetch(reference, 'task')).text, task('branch'));
  const commit = await openForgeRepository({
    url: reference.url,
    token,
    allowPrivateAddresses: true,
    log: keptLog().log,
  });
  const byCommit = { ...reference, revision: commit.revision, path: 'tasks/a.yaml' };
  assert.equal((await home().fetch(byCommit, 'task')).text, task('a'));
  await assert.rejects(home({ token: undefined }).fetch(reference, 'task'), /cannot be fetched with git/);
});
