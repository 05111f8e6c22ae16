import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from '../../runtime/errors.ts';
import { type FakeForgeKind, startForge } from '../fakes/forge.ts';
import { serve } from '../support/http-server.ts';
import { keptLog, sourcesFor, task } from './support/sources.ts';

const token = 'token-of-a-test-12345';
const files = { 'tasks/a.yaml': task('a'), 'tasks/sub/b.yaml': task('b'), 'x y/ä#.yaml': task('odd') };
const branches = { main: files, 'feature/one': { 'tasks/a.yaml': task('of-the-branch') } };

interface Case {
  kind: FakeForgeKind;
  name: string;
  blob: (ref: string, path: string) => string;
  raw: (ref: string, path: string) => string;
}

const cases: Case[] = [
  {
    kind: 'github',
    name: 'o/r',
    blob: (ref, path) => `/o/r/blob/${ref}/${path}`,
    raw: (ref, path) => `/o/r/raw/${ref}/${path}`,
  },
  {
    kind: 'gitlab',
    name: 'g/s/r',
    blob: (ref, path) => `/g/s/r/-/blob/${ref}/${path}`,
    raw: (ref, path) => `/g/s/r/-/raw/${ref}/${path}`,
  },
  {
    kind: 'bitbucket-cloud',
    name: 'w/r',
    blob: (ref, path) => `/w/r/src/${ref}/${path}`,
    raw: (ref, path) => `/w/r/raw/${ref}/${path}`,
  },
  {
    kind: 'bitbucket-data-center',
    name: 'P/r',
    blob: (ref, path) => `/projects/P/repos/r/browse/${path}?at=${ref}`,
    raw: (ref, path) => `/projects/P/repos/r/raw/${path}?at=${ref}`,
  },
];

for (const { kind, name, blob, raw } of cases) {
  const repositories = [{ name, private: true, branches }];
  const sourcesOf = (url: string, extra: object = {}) =>
    sourcesFor({ repoUrl: `${url}/${name}`, forge: kind, token, ...extra });

  test(`${kind}: private blob and raw URLs are read by one API request each with the token`, async () => {
    await using forge = await startForge(kind, repositories, { token });
    for (const path of [
      blob('main', 'tasks/a.yaml'),
      raw('main', 'tasks/sub/b.yaml'),
      blob('main', 'x%20y/%C3%A4%23.yaml'),
    ]) {
      const fetched = await sourcesOf(forge.url).fetch({ kind: 'url', url: `${forge.url}${path}` }, 'task');
      assert.equal(fetched.text, path.includes('sub') ? task('b') : path.includes('y/') ? task('odd') : task('a'));
      assert.equal(fetched.from, `${forge.url}${path}`);
    }
    assert.equal(forge.requests.length, 3);
    assert.ok(
      forge.requests.every((line) => /\/api|\/2\.0\/|\/rest\//.test(line)),
      forge.requests.join('\n'),
    );
  });

  test(`${kind}: %2F in a branch's name stays in the branch`, async () => {
    await using forge = await startForge(kind, repositories, { token });
    const url = `${forge.url}${blob('feature%2Fone', 'tasks/a.yaml')}`;
    const fetched = await sourcesOf(forge.url).fetch({ kind: 'url', url }, 'task');
    assert.equal(fetched.text, task('of-the-branch'));
  });

  test(`${kind}: a path in a remote file is the file beside it, at the same branch`, async () => {
    await using forge = await startForge(kind, repositories, { token });
    const sources = sourcesOf(forge.url);
    const first = await sources.fetch({ kind: 'url', url: `${forge.url}${blob('main', 'tasks/sub/b.yaml')}` }, 'task');
    const reference = first.relative('../a.yaml');
    assert.deepEqual(reference, { kind: 'url', url: `${forge.url}${blob('main', 'tasks/a.yaml')}` });
    assert.equal((await sources.fetch(reference, 'task')).text, task('a'));
    assert.throws(() => first.relative('../../../other/x.yaml'), /leads out of the repository/);
  });

  test(`${kind}: a public file needs no token, and none is sent`, async () => {
    await using forge = await startForge(kind, [{ name, branches }]);
    const sources = sourcesOf(forge.url, { token: undefined });
    // Bitbucket Cloud's raw pages are no part of the fake: its API is.
    if (kind === 'bitbucket-cloud') return;
    assert.equal(
      (await sources.fetch({ kind: 'url', url: `${forge.url}${blob('main', 'tasks/a.yaml')}` }, 'task')).text,
      task('a'),
    );
    assert.deepEqual(forge.credentials, [undefined]);
  });

  test(`${kind}: the token goes to the forge of repo_url and to no other host`, async () => {
    await using forge = await startForge(kind, repositories, { token });
    await using other = await serve((_request, response) => response.end(task('other')));
    const sources = sourcesOf(forge.url);
    await sources.fetch({ kind: 'url', url: `${other.url}${blob('main', 'tasks/a.yaml')}` }, 'task');
    await sources.fetch({ kind: 'url', url: `${other.url}/plain.yaml` }, 'task');
    for (const { headers } of other.seen) assert.doesNotMatch(JSON.stringify(headers), /token-of-a-test/);
    assert.equal(forge.requests.length, 0);
  });

  test(`${kind}: a redirect to another host leaves the token behind`, async () => {
    await using other = await serve((_request, response) => response.end(task('moved')));
    await using forge = await startForge(kind, repositories, {
      token,
      intercept: (_request, response) => Boolean(response.writeHead(302, { location: `${other.url}/moved` }).end()),
    });
    const fetched = await sourcesOf(forge.url).fetch(
      { kind: 'url', url: `${forge.url}${blob('main', 'tasks/a.yaml')}` },
      'task',
    );
    assert.equal(fetched.text, task('moved'));
    const [seen] = other.seen;
    assert.equal(seen?.headers.authorization, undefined);
    assert.equal(seen?.headers['private-token'], undefined);
  });

  test(`${kind}: a wrong token is in no error and no log, and the error says whose token it must be`, async () => {
    await using forge = await startForge(kind, repositories, { token });
    const wrong = 'wrong-token-6789';
    const { log, lines } = keptLog();
    const sources = sourcesOf(forge.url, { token: wrong, log });
    const error: unknown = await sources
      .fetch({ kind: 'url', url: `${forge.url}${blob('main', 'tasks/a.yaml')}` }, 'task')
      .then(
        () => assert.fail('expected an error'),
        (reason: unknown) => reason,
      );
    assert.match(explain(error), /The token must be one of 127\.0\.0\.1:\d+ that may read the repository/);
    assert.doesNotMatch(`${explain(error)} ${lines.join('')}`, /wrong-token/);
  });

  test(`${kind}: a git reference to the home forge is one API request`, async () => {
    await using forge = await startForge(kind, repositories, { token });
    const url = `${forge.url}/${kind === 'bitbucket-data-center' ? 'scm/' : ''}${name}.git`;
    const fetched = await sourcesOf(forge.url).fetch(
      { kind: 'git', url, revision: 'main', path: 'tasks/a.yaml' },
      'task',
    );
    assert.equal(fetched.text, task('a'));
    assert.equal(fetched.from, `git ${url} main tasks/a.yaml`);
    assert.equal(forge.requests.length, 1);
    assert.deepEqual(fetched.relative('sub/b.yaml'), { kind: 'git', url, revision: 'main', path: 'tasks/sub/b.yaml' });
  });
}

test('a branch with a slash that is not encoded is pointed out when the file is not there', async () => {
  await using forge = await startForge('github', [{ name: 'o/r', branches }]);
  const url = `${forge.url}/o/r/blob/feature/one/tasks/a.yaml`;
  const error: unknown = await sourcesFor({ repoUrl: `${forge.url}/o/r`, token })
    .fetch({ kind: 'url', url }, 'task')
    .catch((reason: unknown) => reason);
  assert.match(explain(error), /"feature" was taken for the branch: .* write each "\/" in it as %2F/);
});

test('USER:PASSWORD as the token is Basic authentication', async () => {
  await using forge = await startForge('bitbucket-cloud', [{ name: 'w/r', private: true, branches }], {
    token: 'me:app-password',
  });
  const sources = sourcesFor({ repoUrl: `${forge.url}/w/r`, forge: 'bitbucket-cloud', token: 'me:app-password' });
  assert.equal(
    (await sources.fetch({ kind: 'url', url: `${forge.url}/w/r/src/main/tasks/a.yaml` }, 'task')).text,
    task('a'),
  );
});

test('a page to log in is not taken for YAML', async () => {
  await using server = await serve((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!DOCTYPE html><html></html>');
  });
  await assert.rejects(
    sourcesFor().fetch({ kind: 'url', url: `${server.url}/a.yaml` }, 'task'),
    /is a web page, not YAML/,
  );
});
