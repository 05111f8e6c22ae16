import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FakeRepository, startForge } from '../../fakes/forge.ts';
import { serve } from '../../support/http-server.ts';
import { naming, runOf, taskOf } from '../support/yaml.ts';
import { failure, imagesOf, runsOf } from './support.ts';

const token = 'a-generated-token';
const repository = (name: string, files: Record<string, string> = {}): FakeRepository => ({
  name,
  private: true,
  branches: {
    main: { 'path/file.yaml': taskOf('x', 'main'), ...files },
    'feature/one': { 'path/file.yaml': taskOf('x', 'feature'), ...files },
  },
});
const annotated = (...urls: string[]) => ({ '.tekton/run.yaml': runOf({ task: `[${urls.join(', ')}]` }, naming('x')) });

test('a string that starts with http:// or https:// is fetched directly from that remote URL', async () => {
  await using server = await serve((_request, response) => response.end(taskOf('x', 'direct')));
  const [main] = await runsOf(annotated(`${server.url}/task.yaml`));
  assert.deepEqual(imagesOf(main), { x: 'direct' });
  assert.equal(server.seen[0]?.url, '/task.yaml');
});

test('a remote URL on the host of the repository is fetched with the token, by the GitHub API', async () => {
  await using forge = await startForge('github', [repository('organization/repository')], { token });
  const url = `${forge.url}/organization/repository`;
  const flags = ['-p', `repo_url=${url}`, '-t', token];
  const [main] = await runsOf(annotated(`${url}/blob/main/path/file.yaml`), ...flags);
  assert.deepEqual(imagesOf(main), { x: 'main' });
  assert.deepEqual(forge.requests, ['GET /api/v3/repos/organization/repository/contents/path/file.yaml?ref=main 200']);
  assert.deepEqual(forge.credentials, [`Bearer ${token}`]);
});

test('a branch name with a slash is encoded with %2F', async () => {
  for (const [kind, blob] of [
    ['github', 'blob'],
    ['gitlab', '-/blob'],
  ] as const) {
    await using forge = await startForge(kind, [repository('organization/repository')], { token });
    const url = `${forge.url}/organization/repository`;
    const file = `${url}/${blob}/feature%2Fone/path/file.yaml`;
    const [main] = await runsOf(annotated(file), '-p', `repo_url=${url}`, '-t', token);
    assert.deepEqual(imagesOf(main), { x: 'feature' }, kind);
  }
});

test('a token may fetch private repositories of any organization where it is allowed', async () => {
  await using forge = await startForge('github', [repository('mine/app'), repository('other/shared')], { token });
  const flags = ['-p', `repo_url=${forge.url}/mine/app`, '-t', token];
  const [main] = await runsOf(annotated(`${forge.url}/other/shared/blob/main/path/file.yaml`), ...flags);
  assert.deepEqual(imagesOf(main), { x: 'main' });
});

test('a URL as directly copied from the GitLab UI, or a GitLab raw URL, is fetched with the token', async () => {
  await using forge = await startForge('gitlab', [repository('organization/repository')], { token });
  const url = `${forge.url}/organization/repository`;
  for (const kind of ['blob', 'raw']) {
    const [main] = await runsOf(
      annotated(`${url}/-/${kind}/main/path/file.yaml`),
      '-p',
      `repo_url=${url}`,
      '-t',
      token,
    );
    assert.deepEqual(imagesOf(main), { x: 'main' }, kind);
  }
  assert.deepEqual(forge.credentials, [token, token]);
  for (const line of forge.requests) assert.match(line, /^GET \/api\/v4\/projects\/organization%2Frepository\/.* 200$/);
});

test('a URL on another host than the repository gets no token', async () => {
  await using forge = await startForge('github', [repository('organization/repository')], { token });
  await using other = await serve((_request, response) => response.end(taskOf('x', 'other')));
  const flags = ['-p', `repo_url=${forge.url}/organization/repository`, '-t', token];
  await runsOf(annotated(`${other.url}/organization/repository/blob/main/path/file.yaml`), ...flags);
  assert.equal(other.seen[0]?.headers.authorization, undefined);
});

test('without a token a private file is an error that says what to do', async () => {
  await using forge = await startForge('gitlab', [repository('organization/repository')], { token });
  const url = `${forge.url}/organization/repository`;
  const message = await failure(annotated(`${url}/-/blob/main/path/file.yaml`), '-p', `repo_url=${url}`);
  assert.match(message, /run\.yaml, line 6: the remote task .* cannot be used/);
});

test('a relative path is the file of the repository on the SHA where the event comes from', async () => {
  const files = {
    '.tekton/run.yaml': runOf({ task: '[share/tasks/git-clone.yaml]' }, naming('git-clone')),
    'share/tasks/git-clone.yaml': taskOf('git-clone', 'at-the-event'),
  };
  await using forge = await startForge('github', [repository('organization/repository', files)], { token });
  const revision = forge.commit('organization/repository', 'feature/one');
  const flags = [`--repository=${forge.url}/organization/repository`, `--revision=${revision}`, '-t', token];
  const [main] = await runsOf({ 'share/tasks/git-clone.yaml': taskOf('git-clone', 'here') }, ...flags);
  assert.deepEqual(imagesOf(main), { 'git-clone': 'at-the-event' });
  assert.ok(
    forge.requests.every((line) => !line.includes('contents') || line.includes(revision)),
    forge.requests.join('\n'),
  );
});
