import assert from 'node:assert/strict';
import { realpath, symlink } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { openRevision } from '../../runtime/resolve/git-revision.ts';
import { makeFolder } from '../support/folder.ts';
import { commitAll, git } from './command/git.ts';

const env = { PATH: process.env.PATH ?? '' };

test('a revision is read as a checkout is: files in order, links inside, none that lead out or nowhere', async () => {
  await using folder = await makeFolder({
    '.tekton/b.yaml': 'b',
    '.tekton/a/z.yml': 'z',
    '.tekton/a.yaml': 'a',
    '.tekton/no.txt': 'no',
    '.tekton/dir.yaml/in.yaml': 'in',
    'share/x.yaml': 'x',
  });
  const at = (name: string) => path.join(folder.path, '.tekton', name);
  await symlink('../share/x.yaml', at('link.yaml'));
  await symlink('/etc/hostname', at('out.yaml'));
  await symlink('../../../none.yaml', at('up.yaml'));
  await symlink('none.yaml', at('dangling.yaml'));
  await symlink('loop.yaml', at('loop.yaml'));
  const commit = await commitAll(folder.path);
  await using revision = await openRevision(await realpath(folder.path), folder.path, 'HEAD', { env });
  assert.equal(revision.commit, commit);
  assert.deepEqual(
    (await revision.texts('.tekton')).map(({ path: file, text }) => `${file} ${text}`),
    [
      'HEAD:.tekton/a/z.yml z',
      'HEAD:.tekton/a.yaml a',
      'HEAD:.tekton/b.yaml b',
      'HEAD:.tekton/dir.yaml/in.yaml in',
      'HEAD:.tekton/link.yaml x',
    ],
  );
  assert.equal((await revision.texts('')).length, 6, 'the whole repository');
  assert.deepEqual(await revision.texts('none'), []);
  assert.equal(await revision.read('share/x.yaml'), 'x');
  assert.equal(await revision.read('.tekton/link.yaml'), 'x');
  await assert.rejects(revision.read('.tekton/out.yaml'), /leads out of the repository/);
  await assert.rejects(revision.read('.tekton/up.yaml'), /leads out of the repository/);
  await assert.rejects(revision.read('../x.yaml'), /leads out of the repository/);
  await assert.rejects(revision.read('share'), { code: 'NOT_FOUND' });
  await assert.rejects(revision.read('share/x.yaml\nHEAD'), { code: 'NOT_FOUND' });
});

test('many files at once are read by one process, large ones refused, and what follows is not lost', async () => {
  await using folder = await makeFolder({ 'big.yaml': '#'.repeat(16 * 1024 * 1024 + 1), 'empty.yaml': '' });
  for (let index = 0; index < 50; index++) await folder.write(`files/${index}.yaml`, `n: ${index}\n`);
  await commitAll(folder.path);
  await using revision = await openRevision(folder.path, folder.path, 'main', { env });
  const reads = Array.from({ length: 50 }, (_all, index) => revision.read(`files/${index}.yaml`));
  await assert.rejects(revision.read('big.yaml'), /main:big\.yaml is 16777217 bytes long: expected at most 16777216/);
  assert.deepEqual(
    await Promise.all(reads),
    Array.from({ length: 50 }, (_all, index) => `n: ${index}\n`),
  );
  assert.equal(await revision.read('empty.yaml'), '');
});

test('a repository whose ids are SHA-256, and one below the folder that is asked from', async (t) => {
  await using folder = await makeFolder({ 'team/share/x.yaml': 'x', 'team/.tekton/deep/a.yaml': 'a' });
  await git(folder.path, 'init', '-q', '--object-format=sha256').catch(() => t.skip('git knows SHA-1 only'));
  const commit = await commitAll(folder.path);
  assert.equal(commit.length, 64);
  await using revision = await openRevision(folder.path, path.join(folder.path, 'team'), 'HEAD', { env });
  assert.deepEqual(await revision.texts('team/.tekton'), [{ path: 'HEAD:team/.tekton/deep/a.yaml', text: 'a' }]);
  assert.equal(await revision.read('share/x.yaml'), 'x', 'below the folder, as in a checkout');
});

test('no git, no repository, no such revision, or an end from outside: each is said', async () => {
  await using folder = await makeFolder({ 'a.yaml': 'a' });
  await assert.rejects(
    openRevision(folder.path, folder.path, 'HEAD', { env: { PATH: folder.path } }),
    /the program git, which is not installed/,
  );
  await assert.rejects(openRevision(folder.path, folder.path, 'HEAD', { env }), /git cannot read the repository/);
  await commitAll(folder.path);
  for (const none of ['none', '', 'HEAD:a.yaml', '--batch-all-objects', 'HEAD\nHEAD', 'HEAD~9']) {
    await assert.rejects(openRevision(folder.path, folder.path, none, { env }), /there is no revision/, none);
  }
  const stopped = AbortSignal.abort(new Error('stopped'));
  await assert.rejects(openRevision(folder.path, folder.path, 'HEAD', { env, signal: stopped }), /stopped/);
});
