import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { explain } from '../../runtime/errors.ts';
import { tasks } from '../../runtime/kube/resource.ts';
import { mediaTypes } from '../../runtime/oci/manifest.ts';
import { FakeKube } from '../fakes/kube.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { makeBundle } from '../support/bundle.ts';
import { makeFolder } from '../support/folder.ts';
import { gitBackend, makeRepository, withGit } from '../support/git-server.ts';
import { serve } from '../support/http-server.ts';
import { clientOf } from '../support/kube.ts';
import { sourcesFor, task } from './support/sources.ts';

/** Puts a Tekton bundle into a registry. @returns its digest. */
async function plantBundle(registry: FakeRegistry, objects: Parameters<typeof makeBundle>[0]): Promise<string> {
  const { manifest, blobs } = await makeBundle(objects);
  for (const { descriptor, bytes } of blobs) registry.plant('team/bundle', descriptor.digest, bytes);
  registry.plantManifest('team/bundle', 'v1', mediaTypes.manifest, manifest.bytes);
  return manifest.descriptor.digest;
}

const bundle = (image: string, name: string, resourceKind = 'task') => ({
  kind: 'bundle' as const,
  image,
  name,
  resourceKind,
});

test('an object of a Tekton bundle by tag and by digest, in a tar or by itself', async () => {
  await using registry = await FakeRegistry.start();
  const digest = await plantBundle(registry, [
    { name: 'build', kind: 'task', text: task('build') },
    { name: 'build', kind: 'pipeline', text: 'kind: Pipeline\n' },
    { name: 'plain', kind: 'task', text: task('plain'), raw: true },
  ]);
  const sources = sourcesFor();
  const image = `${registry.host}/team/bundle`;
  assert.equal((await sources.fetch(bundle(`${image}:v1`, 'build'), 'task')).text, task('build'));
  assert.equal((await sources.fetch(bundle(`${image}:v1`, 'build', 'Pipeline'), 'pipeline')).text, 'kind: Pipeline\n');
  const plain = await sources.fetch(bundle(`${image}@${digest}`, 'plain'), 'task');
  assert.equal(plain.text, task('plain'));
  assert.equal(plain.from, `bundle ${image}@${digest} task plain`);
  await assert.rejects(sources.fetch(bundle(`${image}:v1`, 'none'), 'task'), (error: Error) => {
    assert.match(explain(error), /has no task "none"\. It has task build, pipeline build, task plain/);
    return true;
  });
});

test('a bundle by digest is not asked for again', async () => {
  await using folder = await makeFolder();
  await using registry = await FakeRegistry.start();
  const digest = await plantBundle(registry, [{ name: 'a', kind: 'task', text: task('a') }]);
  const read = () =>
    sourcesFor({ cacheFolder: folder.path }).fetch(bundle(`${registry.host}/team/bundle@${digest}`, 'a'), 'task');
  await read();
  const before = registry.requests.length;
  await read();
  assert.equal(registry.requests.length, before);
});

test('a layer that unpacks to gigabytes is stopped at the size limit', async () => {
  await using registry = await FakeRegistry.start();
  await plantBundle(registry, [{ name: 'bomb', kind: 'task', text: 'a'.repeat(20_000_000) }]);
  await assert.rejects(
    sourcesFor({ sizeLimit: 100_000 }).fetch(bundle(`${registry.host}/team/bundle:v1`, 'bomb'), 'task'),
    /is larger than 100000 bytes/,
  );
});

test('a registry at a loopback address is refused where such addresses are', async () => {
  await using registry = await FakeRegistry.start();
  const sources = sourcesFor({ allowPrivateAddresses: false });
  await assert.rejects(sources.fetch(bundle(`${registry.host}/team/bundle:v1`, 'a'), 'task'), /are not allowed/);
  assert.equal(registry.requests.length, 0);
});

/** A repository served by git's own CGI program, for those with the password. */
async function gitServer(folder: string, password: string) {
  const commit = makeRepository(path.join(folder, 'work'), path.join(folder, 'o', 'r.git'), ['feature/x']);
  const answer = gitBackend(folder);
  const server = await serve((request, response) => {
    const right = `Basic ${Buffer.from(`oauth2:${password}`).toString('base64')}`;
    if (request.headers.authorization === right) answer(request, response);
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
  });
  return { server, commit };
}

test(
  'a git reference to a host that is no known forge is fetched with git: branch, branch with a slash, commit',
  withGit,
  async () => {
    await using folder = await makeFolder({ 'work/tasks/a.yaml': task('a') });
    const password = 'git-password-123';
    const { server, commit } = await gitServer(folder.path, password);
    await using _server = server;
    const url = `${server.url}/o/r.git`;
    for (const revision of ['main', 'feature/x', commit]) {
      const sources = sourcesFor({ repoUrl: url, token: password });
      const fetched = await sources.fetch({ kind: 'git', url, revision, path: 'tasks/a.yaml' }, 'task');
      assert.equal(fetched.text, task('a'));
      assert.equal(fetched.from, `git ${url} ${revision} tasks/a.yaml`);
    }
  },
);

test('git without the right password fails without asking anybody, and tells no secret', withGit, async () => {
  await using folder = await makeFolder({ 'work/a.yaml': task('a') });
  const { server } = await gitServer(folder.path, 'the-right-one');
  await using _server = server;
  const url = server.url.replace('//', '//oauth2:the-wrong-one@');
  const reference = { kind: 'git' as const, url: `${url}/o/r.git`, revision: 'main', path: 'a.yaml' };
  await assert.rejects(sourcesFor().fetch(reference, 'task'), (error: Error) => {
    assert.match(explain(error), /cannot be fetched with git/);
    assert.doesNotMatch(explain(error), /the-wrong-one/);
    return true;
  });
});

test('a file that a git repository does not have is not found', withGit, async () => {
  await using folder = await makeFolder({ 'work/a.yaml': task('a') });
  const { server } = await gitServer(folder.path, 'the-right-one');
  await using _server = server;
  const sources = sourcesFor({ repoUrl: `${server.url}/o/r`, token: 'the-right-one' });
  const reference = { kind: 'git' as const, url: `${server.url}/o/r`, revision: 'main', path: 'none.yaml' };
  await assert.rejects(sources.fetch(reference, 'task'), { code: 'NOT_FOUND' });
});

test('what git would take for an option or a program is refused', async () => {
  const good = { kind: 'git' as const, url: 'https://git.example.org/o/r', revision: 'main', path: 'a.yaml' };
  for (const bad of [
    { url: '--upload-pack=touch /tmp/x' },
    { url: 'ext::sh -c id' },
    { url: 'file:///etc' },
    { url: 'ssh://-oProxyCommand=id/x' },
    { revision: '--output=/tmp/x' },
    { revision: 'a..b' },
    { path: '../../etc/passwd' },
  ]) {
    await assert.rejects(sourcesFor().fetch({ ...good, ...bad }, 'task'), { code: 'INVALID' }, JSON.stringify(bad));
  }
});

test('an object of the cluster comes without what only that cluster knows', async () => {
  await using kube = await FakeKube.start();
  await using own = await clientOf(kube);
  kube.add(tasks, {
    apiVersion: 'tekton.dev/v1',
    kind: 'Task',
    metadata: {
      name: 'build',
      namespace: 'tools',
      uid: '1',
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', a: 'b' },
    },
    spec: { steps: [{ name: 'a', image: 'b' }] },
  });
  const reference = { kind: 'cluster' as const, resourceKind: 'task', name: 'build', namespace: 'tools' };
  const fetched = await sourcesFor({ kube: own.client }).fetch(reference, 'task');
  assert.deepEqual(JSON.parse(fetched.text), {
    apiVersion: 'tekton.dev/v1',
    kind: 'Task',
    metadata: { name: 'build', annotations: { a: 'b' } },
    spec: { steps: [{ name: 'a', image: 'b' }] },
  });
  assert.equal(fetched.from, 'cluster tools task build');
  await assert.rejects(sourcesFor().fetch(reference, 'task'), /needs a cluster, and none is configured/);
});
