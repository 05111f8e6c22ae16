import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { FakeRegistry } from '../../fakes/registry.ts';
import { makeBundle } from '../../support/bundle.ts';
import { makeFolder } from '../../support/folder.ts';
import { serve } from '../../support/http-server.ts';
import { naming, runOf, taskOf } from '../support/yaml.ts';
import { imagesOf, objects, refusal, resolve } from './command.ts';

test('--lock holds what is remote: a changed text is refused, the old one of the cache is used, --lock again takes the new one', async () => {
  let image = 'before';
  await using server = await serve((_request, response) => response.end(taskOf('x', image)));
  await using folder = await makeFolder({
    '.tekton/a.yaml': runOf({ task: `[${server.url}/x.yaml, ./own.yaml]` }, naming('x', 'own')),
    'own.yaml': taskOf('own', 'mine'),
  });
  const flags = ['-f', '.tekton'];
  await objects(folder.path, [...flags, '--lock']);
  const file = path.join(folder.path, '.tekton/lock.yaml');
  const lock = await readFile(file, 'utf8');
  assert.match(lock, /from: http:\/\/127\.0\.0\.1:\d+\/x\.yaml\n +digest: sha256:[0-9a-f]{64}\n/);
  assert.doesNotMatch(lock, /own\.yaml/, 'a path is held by the commit');

  image = 'after';
  const empty = ['--cache', path.join(folder.path, 'empty')];
  const message = await refusal(folder.path, [...flags, ...empty]);
  assert.match(message, /a\.yaml, line 6: .*x\.yaml has changed: \.tekton\/lock\.yaml holds it to sha256:/);
  assert.match(message, /lock it anew with "subpipe resolve --lock"/);
  assert.equal(await readFile(file, 'utf8'), lock);
  const [kept] = await objects(folder.path, flags);
  assert.deepEqual(imagesOf(kept), { x: 'before', own: 'mine' });
  const [anew] = await objects(folder.path, [...flags, '--lock']);
  assert.deepEqual(imagesOf(anew), { x: 'after', own: 'mine' });
  assert.notEqual(await readFile(file, 'utf8'), lock);
});

test('what the lock does not know is refused, and a lock that cannot be read is named', async () => {
  await using server = await serve((_request, response) => response.end(taskOf('x', 'i')));
  const lock = 'version: 1\nsources: []\n';
  await using folder = await makeFolder({
    '.tekton/a.yaml': runOf({ task: `${server.url}/x.yaml` }, naming('x')),
    '.tekton/lock.yaml': lock,
  });
  assert.match(
    await refusal(folder.path, ['-f', '.tekton']),
    /x\.yaml is not in \.tekton\/lock\.yaml\. Look at what it is/,
  );
  assert.equal(server.seen.length, 0);
  await folder.write('.tekton/lock.yaml', 'version: 2\n');
  assert.match(await refusal(folder.path, ['-f', '.tekton']), /lock\.yaml: version must be 1, but is 2/);
});

test('a bundle is locked as everything remote is', async () => {
  await using registry = await FakeRegistry.start();
  const { manifest, blobs } = await makeBundle([{ name: 'x', kind: 'task', text: taskOf('x', 'bundled') }]);
  for (const { descriptor, bytes } of blobs) registry.plant('team/bundle', descriptor.digest, bytes);
  registry.plantManifest('team/bundle', 'v1', manifest.descriptor.mediaType, Buffer.from(manifest.bytes));
  const ref = `{resolver: bundles, params: [{name: bundle, value: '${registry.host}/team/bundle:v1'}, {name: name, value: x}, {name: kind, value: task}]}`;
  await using folder = await makeFolder({
    '.tekton/a.yaml': runOf({}, `{pipelineSpec: {tasks: [{name: x, taskRef: ${ref}}]}}`),
  });
  const flags = ['-f', '.tekton', '--inline-all'];
  await objects(folder.path, [...flags, '--lock']);
  const lock = await readFile(path.join(folder.path, '.tekton/lock.yaml'), 'utf8');
  assert.match(lock, /from: bundle .*team\/bundle:v1 task x\n/);
  const [run] = await objects(folder.path, flags);
  assert.deepEqual(imagesOf(run), { x: 'bundled' });
});

test('--offline makes do with what an earlier run has fetched, and asks for nothing', async () => {
  await using server = await serve((_request, response) => response.end(taskOf('x', 'kept')));
  await using folder = await makeFolder({ '.tekton/a.yaml': runOf({ task: `${server.url}/x.yaml` }, naming('x')) });
  const flags = ['-f', '.tekton', '--offline'];
  const before = await refusal(folder.path, flags);
  assert.match(before, /x\.yaml is not in the cache, .* Resolve once without --offline: that fills the cache/);
  await objects(folder.path, ['-f', '.tekton']);
  const seen = server.seen.length;
  const [run] = await objects(folder.path, flags);
  assert.deepEqual(imagesOf(run), { x: 'kept' });
  assert.equal(server.seen.length, seen);
});

test('flags that cannot both be meant are refused', async () => {
  await using folder = await makeFolder({ '.tekton/a.yaml': runOf({}, '{pipelineSpec: {}}') });
  assert.match(await refusal(folder.path, ['-f', '.tekton', '--lock', '--offline']), /leave one of them out/);
  const remote = ['--repository', 'https://git.example.com/a/b', '--lock'];
  assert.match(await refusal(folder.path, remote), /--lock writes \.tekton\/lock\.yaml of a checkout/);
  assert.match(
    await refusal(folder.path, ['-f', '.tekton', '--revision', 'main']),
    /--revision is of the repository that --repository names/,
  );
});

test('two runs at once share a cache', async () => {
  await using server = await serve((_request, response) => response.end(taskOf('x', 'i')));
  await using folder = await makeFolder({ '.tekton/a.yaml': runOf({ task: `${server.url}/x.yaml` }, naming('x')) });
  const runs = await Promise.all([1, 2, 3].map(() => resolve(folder.path, ['-f', '.tekton'])));
  for (const { code, stdout, stderr } of runs) {
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    assert.equal(stdout, runs[0]?.stdout);
  }
});
