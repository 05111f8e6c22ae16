import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogMap, catalogsOf, parseCatalog } from '../../runtime/resolve/sources/catalog.ts';
import { startArtifactHub, startTektonHub } from '../fakes/hub.ts';
import { sourcesFor, task } from './support/sources.ts';

const hub = (name: string, version?: string, catalog = 'default') => ({ kind: 'hub' as const, catalog, name, version });

const content = {
  'task/tekton-catalog-tasks/git-clone/0.1.0': task('git-clone-0-1'),
  'task/tekton-catalog-tasks/git-clone/0.9.0': task('git-clone'),
  'pipeline/tekton-catalog-pipelines/buildpacks/0.1.0': 'kind: Pipeline\n',
  'task/mine/curl/1.2': task('curl'),
};

test('a name alone is the newest version in Artifact Hub', async () => {
  await using server = await startArtifactHub(content);
  const sources = sourcesFor({ catalogs: [parseCatalog(`default=${server.url}`)] });
  const fetched = await sources.fetch(hub('git-clone'), 'task');
  assert.equal(fetched.text, task('git-clone'));
  assert.equal(fetched.from, `${server.url}/api/v1/packages/tekton-task/tekton-catalog-tasks/git-clone`);
  assert.equal(server.seen.length, 1);
});

test('Artifact Hub is the default catalogue', () => {
  assert.deepEqual(catalogMap([]).get('default'), {
    name: 'default',
    url: 'https://artifacthub.io',
    type: 'artifacthub',
    id: undefined,
  });
});

test('name:0.1 is version 0.1.0 in Artifact Hub, by one request', async () => {
  await using server = await startArtifactHub(content);
  const sources = sourcesFor({ catalogs: [parseCatalog(`default=${server.url}/api/v1/`)] });
  assert.equal((await sources.fetch(hub('git-clone', '0.1'), 'task')).text, task('git-clone-0-1'));
  assert.deepEqual(
    server.seen.map(({ url }) => url),
    ['/api/v1/packages/tekton-task/tekton-catalog-tasks/git-clone/0.1.0'],
  );
});

test('a version that a hub keeps as it was written is found too', async () => {
  await using server = await startArtifactHub(content);
  const sources = sourcesFor({ catalogs: [parseCatalog(`other=${server.url},id=mine`)] });
  assert.equal((await sources.fetch(hub('curl', '1.2', 'other'), 'task')).text, task('curl'));
});

test('a Pipeline comes from the catalogue of Pipelines', async () => {
  await using server = await startArtifactHub(content);
  const sources = sourcesFor({ catalogs: [parseCatalog(`default=${server.url}`)] });
  assert.equal((await sources.fetch(hub('buildpacks'), 'pipeline')).text, 'kind: Pipeline\n');
  await assert.rejects(sources.fetch(hub('buildpacks'), 'task'), { code: 'NOT_FOUND' });
});

test("Tekton Hub's API: newest and by version", async () => {
  await using server = await startTektonHub({
    'task/tekton/curl/0.1': task('old'),
    'task/tekton/curl/0.2': task('new'),
  });
  const sources = sourcesFor({ catalogs: [parseCatalog(`th=${server.url}/v1,type=tektonhub`)] });
  assert.equal((await sources.fetch(hub('curl', undefined, 'th'), 'task')).text, task('new'));
  assert.equal((await sources.fetch(hub('curl', '0.1', 'th'), 'task')).text, task('old'));
  assert.equal(server.seen.length, 3);
  await assert.rejects(
    sources.fetch(hub('curl', '7', 'th'), 'task'),
    /the catalogue "th" .* has no task "curl" in version 7/,
  );
});

test('there is no fallback from a custom catalogue to the default one', async () => {
  await using usual = await startArtifactHub(content);
  await using custom = await startArtifactHub({});
  const catalogs = [parseCatalog(`default=${usual.url}`), parseCatalog(`another=${custom.url}`)];
  await assert.rejects(
    sourcesFor({ catalogs }).fetch(hub('git-clone', undefined, 'another'), 'task'),
    (error: Error) => {
      assert.match(error.message, /the catalogue "another" \(http:\S+\) has no task "git-clone"/);
      return true;
    },
  );
  assert.equal(usual.seen.length, 0);
});

test('a catalogue that nobody has named is an error that says which there are', async () => {
  await assert.rejects(
    sourcesFor().fetch(hub('curl', undefined, 'nope'), 'task'),
    /no catalogue "nope": there is "default"/,
  );
});

test('a hub name cannot be a path', async () => {
  for (const [name, version] of [
    ['../x', undefined],
    ['x', '../../y'],
    ['a b', undefined],
  ] as const) {
    await assert.rejects(sourcesFor().fetch(hub(name, version), 'task'), { code: 'INVALID' });
  }
});

test('a path in a text from a hub is an error: a hub has no files beside it', async () => {
  await using server = await startArtifactHub(content);
  const fetched = await sourcesFor({ catalogs: [parseCatalog(`default=${server.url}`)] }).fetch(
    hub('git-clone'),
    'task',
  );
  assert.throws(() => fetched.relative('./x.yaml'), /has no files beside it/);
});

test("catalogues of Pipelines-as-Code's ConfigMap are taken over", () => {
  const data = {
    'hub-url': 'https://hub.example.com',
    'hub-catalog-type': 'tektonhub',
    'hub-catalog-name': 'tekton',
    'catalog-1-id': 'anotherhub',
    'catalog-1-name': 'tekton-tasks',
    'catalog-1-url': 'https://api.other.example.com/v1/',
    'catalog-1-type': 'artifacthub',
  };
  assert.deepEqual(catalogsOf(data), [
    { name: 'default', url: 'https://hub.example.com', type: 'tektonhub', id: 'tekton' },
    { name: 'anotherhub', url: 'https://api.other.example.com/v1', type: 'artifacthub', id: 'tekton-tasks' },
  ]);
  assert.deepEqual(catalogsOf({}), []);
  assert.throws(() => catalogsOf({ 'catalog-2-id': 'x' }), /needs catalog-2-id, catalog-2-name and catalog-2-url/);
});

test('a catalogue on the command line that is not understood is refused with what was expected', () => {
  for (const text of [
    'x',
    '=https://a.b',
    'https=https://a.b',
    'x=ftp://a.b',
    'x=https://a.b,type=helm',
    'x=https://a.b,foo=1',
    'x=https://a.b,id=',
  ]) {
    assert.throws(() => parseCatalog(text), /expected NAME=URL/, text);
  }
});
