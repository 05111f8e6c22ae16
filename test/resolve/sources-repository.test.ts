import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openForgeRepository } from '../../runtime/resolve/sources/repository.ts';
import { type FakeForgeKind, startForge } from '../fakes/forge.ts';
import { makeFolder } from '../support/folder.ts';
import { keptLog } from './support/sources.ts';

const token = 'token-of-a-repository';
const tree = {
  'README.md': 'read me',
  '.tekton/b.yaml': 'b: 1\n',
  '.tekton/a.yml': 'a: 1\n',
  '.tekton/sub/deep/c.yaml': 'c: 1\n',
  '.tekton/notes.txt': 'not me',
  '.tekton.yaml': 'not me',
  'tasks/t.yaml': 't: 1\n',
};
const links = { ...tree, '.tekton/link.yaml': '-> ../tasks/t.yaml', '.tekton/out.yaml': '-> ../../etc/passwd' };
const expected = [
  { path: '.tekton/a.yml', text: 'a: 1\n' },
  { path: '.tekton/b.yaml', text: 'b: 1\n' },
  { path: '.tekton/sub/deep/c.yaml', text: 'c: 1\n' },
];

const kinds: [FakeForgeKind, string, string, number][] = [
  // A commit, two or three for the list, one for each of the three files.
  ['github', 'o/r', '/o/r', 6],
  ['gitlab', 'g/s/r', '/g/s/r.git', 5],
  ['bitbucket-cloud', 'w/r', '/w/r', 5],
  ['bitbucket-data-center', 'P/r', '/scm/P/r.git', 5],
];

for (const [kind, name, path, requests] of kinds) {
  const repositories = [
    { name, private: true, branches: { main: tree, 'feature/one': { '.tekton/x.yaml': 'x: 1\n' } } },
  ];
  const open = (url: string, extra: object = {}) =>
    openForgeRepository({
      url: `${url}${path}`,
      forge: kind,
      token,
      allowPrivateAddresses: true,
      log: keptLog().log,
      ...extra,
    });

  test(`${kind}: all YAML files under .tekton at a branch, in ${requests} requests`, async () => {
    await using forge = await startForge(kind, repositories, { token });
    const repository = await open(forge.url, { revision: 'main' });
    assert.equal(repository.revision, forge.commit(name, 'main'));
    assert.deepEqual(await repository.files(), expected);
    assert.equal(forge.requests.length, requests, forge.requests.join('\n'));
    assert.equal(repository.requests, requests);
  });

  test(`${kind}: the default branch where no revision is given; a commit needs no request of its own`, async () => {
    await using forge = await startForge(kind, repositories, { token });
    assert.equal((await open(forge.url)).revision, forge.commit(name, 'main'));
    const before = forge.requests.length;
    const repository = await open(forge.url, { revision: forge.commit(name, 'main') });
    assert.equal(forge.requests.length, before);
    assert.equal(await repository.read('tasks/t.yaml'), 't: 1\n');
    await assert.rejects(repository.read('tasks/none.yaml'), { code: 'NOT_FOUND' });
    await assert.rejects(repository.read('../x.yaml'), /leads out of the repository/);
  });

  test(`${kind}: a branch with a slash`, async () => {
    await using forge = await startForge(kind, repositories, { token });
    const repository = await open(forge.url, { revision: 'feature/one' });
    assert.deepEqual(await repository.files(), [{ path: '.tekton/x.yaml', text: 'x: 1\n' }]);
  });

  test(`${kind}: a repository without the folder has no files`, async () => {
    await using forge = await startForge(kind, [{ name, branches: { main: { 'README.md': 'x' } } }]);
    assert.deepEqual(await (await open(forge.url)).files(), []);
  });

  test(`${kind}: lists of many pages are read to their end`, async () => {
    const many = Object.fromEntries(
      Array.from({ length: 230 }, (_, at) => [`.tekton/${String(at).padStart(3, '0')}.yaml`, `n: ${at}\n`]),
    );
    await using forge = await startForge(kind, [{ name, branches: { main: many } }], { pageSize: 100 });
    assert.equal((await (await open(forge.url)).files()).length, 230);
  });

  test(`${kind}: without the right token it is an error that says what to do`, async () => {
    await using forge = await startForge(kind, repositories, { token });
    await assert.rejects(open(forge.url, { token: undefined }), (error: Error & { code?: string; hint?: string }) => {
      assert.match(error.code ?? '', /NOT_FOUND|FORBIDDEN/);
      assert.match(error.hint ?? '', /give a token for 127\.0\.0\.1/);
      return true;
    });
  });

  test(`${kind}: at a commit, a second run asks for nothing`, async () => {
    await using folder = await makeFolder();
    await using forge = await startForge(kind, repositories, { token });
    const revision = forge.commit(name, 'main');
    const first = await (await open(forge.url, { revision, cacheFolder: folder.path })).files();
    const before = forge.requests.length;
    const second = await (await open(forge.url, { revision, cacheFolder: folder.path, offline: true })).files();
    assert.deepEqual(second, first);
    assert.equal(forge.requests.length, before);
  });
}

for (const [kind, name, path] of kinds.slice(0, 3)) {
  test(`${kind}: a link inside the repository is followed, one that leads out is left out`, async () => {
    await using forge = await startForge(kind, [{ name, branches: { main: links } }]);
    const repository = await openForgeRepository({
      url: `${forge.url}${path}`,
      forge: kind,
      allowPrivateAddresses: true,
      log: keptLog().log,
    });
    const files = await repository.files();
    assert.deepEqual(files.find((file) => file.path === '.tekton/link.yaml')?.text, 't: 1\n');
    assert.equal(
      files.find((file) => file.path === '.tekton/out.yaml'),
      undefined,
    );
  });
}

for (const [kind, name, path] of [kinds[0], kinds[1], kinds[3]].filter((one) => one !== undefined)) {
  test(`${kind}: what kind of forge a host is, is asked where nothing says it`, async () => {
    await using forge = await startForge(kind, [{ name, branches: { main: tree } }]);
    const repository = await openForgeRepository({
      url: `${forge.url}${path}`,
      token,
      allowPrivateAddresses: true,
      log: keptLog().log,
    });
    assert.equal(repository.forge, kind);
    assert.equal(forge.credentials[0], undefined);
  });
}

test('a host that is no forge is an error', async () => {
  await using forge = await startForge('bitbucket-cloud', []);
  const open = openForgeRepository({ url: `${forge.url}/a/b`, allowPrivateAddresses: true, log: keptLog().log });
  await assert.rejects(open, /is no forge that is known here/);
});
