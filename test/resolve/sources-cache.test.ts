import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { explain } from '../../runtime/errors.ts';
import { digestOf } from '../../runtime/oci/digest.ts';
import { defaultCacheFolder } from '../../runtime/resolve/sources/cache.ts';
import { parseCatalog } from '../../runtime/resolve/sources/catalog.ts';
import { formatLock, parseLock, readLock, writeLock } from '../../runtime/resolve/sources/lock.ts';
import { startForge } from '../fakes/forge.ts';
import { startArtifactHub } from '../fakes/hub.ts';
import { makeFolder } from '../support/folder.ts';
import { serve } from '../support/http-server.ts';
import { sourcesFor, task } from './support/sources.ts';

const at = (url: string) => ({ kind: 'url' as const, url });

/** A server of one text with an ETag, which a test may change. */
async function changing(first: string) {
  const state = { text: first, full: 0 };
  const server = await serve((request, response) => {
    const etag = `"${digestOf(state.text).slice(-8)}"`;
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
    state.full++;
    response.writeHead(200, { etag }).end(state.text);
  });
  return { server, state, url: `${server.url}/a.yaml`, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

test('what may change is asked for again, and sent again only when it has changed', async () => {
  await using folder = await makeFolder();
  await using source = await changing(task('a'));
  const read = async () => (await sourcesFor({ cacheFolder: folder.path }).fetch(at(source.url), 'task')).text;
  assert.deepEqual([await read(), await read()], [task('a'), task('a')]);
  assert.deepEqual([source.server.seen.length, source.state.full], [2, 1]);
  source.state.text = task('b');
  assert.equal(await read(), task('b'));
});

test('a version of a hub and a file at a commit are asked for once and for all', async () => {
  await using folder = await makeFolder();
  await using hub = await startArtifactHub({ 'task/tekton-catalog-tasks/a/0.1.0': task('a') });
  await using forge = await startForge('github', [{ name: 'o/r', branches: { main: { 'a.yaml': task('a') } } }]);
  const url = `${forge.url}/o/r/blob/${forge.commit('o/r', 'main')}/a.yaml`;
  for (let run = 0; run < 2; run++) {
    const sources = sourcesFor({
      cacheFolder: folder.path,
      repoUrl: `${forge.url}/o/r`,
      catalogs: [parseCatalog(`default=${hub.url}`)],
    });
    await sources.fetch({ kind: 'hub', catalog: 'default', name: 'a', version: '0.1' }, 'task');
    await sources.fetch(at(url), 'task');
  }
  assert.deepEqual([hub.seen.length, forge.requests.length], [1, 1]);
});

test('offline, only the cache is used, and what it lacks is named', async () => {
  await using folder = await makeFolder();
  await using source = await changing(task('a'));
  const offline = () => sourcesFor({ cacheFolder: folder.path, offline: true });
  await assert.rejects(offline().fetch(at(source.url), 'task'), (error: Error) => {
    assert.match(explain(error), /a\.yaml is not in the cache.* Resolve once without --offline/);
    return true;
  });
  await sourcesFor({ cacheFolder: folder.path }).fetch(at(source.url), 'task');
  assert.equal((await offline().fetch(at(source.url), 'task')).text, task('a'));
  assert.equal(source.server.seen.length, 1);
});

test('many runs at once share a cache folder, and leave nothing half-written', async () => {
  await using folder = await makeFolder();
  await using source = await changing(task('a'));
  const runs = Array.from({ length: 20 }, () => sourcesFor({ cacheFolder: folder.path }).fetch(at(source.url), 'task'));
  for (const { text } of await Promise.all(runs)) assert.equal(text, task('a'));
  const files = (await readdir(folder.path, { recursive: true })).filter((name) => name.endsWith('.part'));
  assert.deepEqual(files, []);
});

test('a damaged cache is as good as none, and so is one that cannot be written', async () => {
  await using folder = await makeFolder();
  await using source = await changing(task('a'));
  const read = async (cacheFolder: string) => (await sourcesFor({ cacheFolder }).fetch(at(source.url), 'task')).text;
  await read(folder.path);
  for (const kind of ['texts', 'sources']) {
    for (const name of await readdir(path.join(folder.path, kind)))
      await writeFile(path.join(folder.path, kind, name), '{"x');
  }
  assert.equal(await read(folder.path), task('a'));
  assert.equal(await read(await folder.write('a-file', 'x')), task('a'));
});

test('no token is in the cache, and only its owner can read it', async () => {
  await using folder = await makeFolder();
  const token = 'cached-token-1234';
  await using forge = await startForge(
    'github',
    [{ name: 'o/r', private: true, branches: { main: { 'a.yaml': task('a') } } }],
    { token },
  );
  const sources = sourcesFor({ cacheFolder: folder.path, repoUrl: `${forge.url}/o/r`, token });
  await sources.fetch(at(`${forge.url}/o/r/blob/main/a.yaml?token=${token}`), 'task');
  const entries = await readdir(folder.path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  assert.equal(files.length, 2);
  for (const file of files) {
    assert.doesNotMatch(await readFile(file, 'utf8'), /cached-token/);
    assert.equal((await stat(file)).mode & 0o077, 0);
  }
});

test('the cache is where XDG says', () => {
  assert.equal(defaultCacheFolder({ XDG_CACHE_HOME: '/c', HOME: '/h' }), '/c/subpipe/sources');
  assert.equal(defaultCacheFolder({ XDG_CACHE_HOME: 'relative', HOME: '/h' }), '/h/.cache/subpipe/sources');
  assert.equal(defaultCacheFolder({}), undefined);
});

test('a lock file lists each source once, sorted, under a comment for people', async () => {
  const [a, b] = [digestOf('a'), digestOf('b')];
  const text = await formatLock([
    { from: 'https://b', digest: b },
    { from: 'https://a', digest: a },
    { from: 'https://b', digest: b },
  ]);
  assert.match(text, /^# What the remote Tasks/);
  assert.deepEqual(
    [...(await parseLock(text)).digests],
    [
      ['https://a', a],
      ['https://b', b],
    ],
  );
  await assert.rejects(
    formatLock([
      { from: 'x', digest: a },
      { from: 'x', digest: b },
    ]),
    /x changed while it was being locked/,
  );
});

test('a lock file that is not understood is an error that names the field', async () => {
  await assert.rejects(parseLock('version: 2\nsources: []'), /version must be 1, but is 2/);
  await assert.rejects(
    parseLock('version: 1\nsources: [{ from: a, digest: b }]'),
    /sources\[0\]\.digest must be sha256:/,
  );
  await assert.rejects(parseLock('version: 1\nsources: []\nother: 1'), /unknown field other/);
});

test('a changed source is an error with both digests and what to do', async () => {
  await using folder = await makeFolder();
  await using source = await changing(task('a'));
  await writeLock(folder.path, [await sourcesFor().fetch(at(source.url), 'task')]);
  const lock = await readLock(folder.path);
  assert.equal((await sourcesFor({ lock }).fetch(at(source.url), 'task')).text, task('a'));
  source.state.text = task('b');
  await assert.rejects(sourcesFor({ lock }).fetch(at(source.url), 'task'), (error: Error) => {
    for (const part of [source.url, digestOf(task('a')), digestOf(task('b')), '--lock'])
      assert.ok(explain(error).includes(part), part);
    return true;
  });
});

test('what is not in the lock is an error, and nothing is asked for it', async () => {
  await using source = await changing(task('a'));
  const lock = await parseLock('version: 1\nsources: []');
  await assert.rejects(sourcesFor({ lock }).fetch(at(source.url), 'task'), /is not in \.tekton\/lock\.yaml/);
  assert.equal(source.server.seen.length, 0);
});

test('a locked text that is in the cache is taken from there, whatever the source has now', async () => {
  await using folder = await makeFolder();
  await using source = await changing(task('a'));
  const first = await sourcesFor({ cacheFolder: folder.path }).fetch(at(source.url), 'task');
  const lock = await parseLock(await formatLock([first]));
  source.state.text = task('b');
  const locked = await sourcesFor({ cacheFolder: folder.path, lock }).fetch(at(source.url), 'task');
  assert.equal(locked.text, task('a'));
  assert.equal(source.server.seen.length, 1);
});

test('a repository without a lock file has no lock', async () => {
  await using folder = await makeFolder();
  assert.equal(await readLock(folder.path), undefined);
});
