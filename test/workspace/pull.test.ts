import assert from 'node:assert/strict';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { digestOf } from '../../runtime/oci/digest.ts';
import { type Descriptor, mediaTypes, storeManifest } from '../../runtime/oci/manifest.ts';
import { openTarget } from '../../runtime/oci/open.ts';
import { look, tarOf } from '../archive/support.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { fill, good, makeMachine, result } from './support.ts';

test('a workspace that is there already is only checked; one that was touched is pulled again', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const source = machine.workspace('source', { a: 'a', 'd/b': 'b' });
  const image = result(await good(machine.push('source', `--target=${registry.host}/app`)), 'image');
  await good(machine.pull('work', '--', image));
  const blobs = () => registry.requests.filter((line) => line.startsWith('GET') && line.includes('/blobs/')).length;
  const before = blobs();
  const again = await good(machine.pull('work', '--', image));
  assert.match(again.stderr, /has .*@sha256:.* already/);
  assert.equal(blobs(), before + 1, 'the config alone');
  const work = machine.workspace('work', { a: 'touched', more: 'm' });
  await good(machine.pull('work', '--', image));
  assert.deepEqual(look(work), look(source));
});

test('sources that are empty are passed over, tags that are not there with --optional; then the base is pulled', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const tag = `${registry.host}/app:none`;
  const refused = await machine.pull('work', '--', '', tag);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /app:none: there is no tag "none"\. Where its Task may have been skipped, set optional\./,
  );
  const work = machine.workspace('work', { mine: 'm' });
  const nothing = await good(machine.pull('work', '--optional', '--', '', tag));
  assert.deepEqual([nothing.results.image, nothing.results.sources], ['', []]);
  assert.deepEqual(readdirSync(work), ['mine'], 'nothing to pull: nothing done');
  machine.workspace('base', { first: 'f' });
  const base = result(await good(machine.push('base', `--target=${registry.host}/base:1`)), 'image');
  const pulled = await good(machine.pull('work', '--optional', `--base=${registry.host}/base:1`, '--', tag));
  assert.equal(result(pulled, 'image'), base);
  assert.deepEqual(readdirSync(work), ['first']);
  const variable = await machine.pull('work', '--', '$(tasks.clone.results.image)');
  assert.equal(variable.code, 2);
  assert.match(variable.stderr, /Tekton has not replaced \$\(tasks\.clone\.results\.image\)\. In a step's params/);
  const gone = await machine.pull('work', '--optional', '--', `${registry.host}/app@sha256:${'0'.repeat(64)}`);
  assert.equal(gone.code, 1, 'a digest that is not there is always an error');
});

test('paths: only the layers that have something of them are downloaded; a push keeps all of the rest', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const target = `--target=${registry.host}/app:1`;
  const source = machine.workspace('source', { 'src/a': 'a0', 'src/b': 'b0', 'docs/c': 'c0' });
  await good(machine.push('source', target));
  fill(source, { 'docs/c': 'c1' });
  await good(machine.push('source', target));
  fill(source, { 'src/a': 'a2' });
  rmSync(`${source}/src/b`);
  const image = result(await good(machine.push('source', target)), 'image');
  const before = registry.requests.length;
  await good(machine.pull('part', '--paths=src', '--', image));
  const part = machine.workspace('part');
  assert.deepEqual(readdirSync(part, { recursive: true }).sort(), ['src', 'src/a']);
  assert.equal(readFileSync(`${part}/src/a`, 'utf8'), 'a2');
  const blobs = registry.requests.slice(before).filter((line) => line.startsWith('GET') && line.includes('/blobs/'));
  assert.equal(blobs.length, 3, 'a config and two of three layers');
  fill(part, { 'src/new': 'n' });
  const pushed = await good(machine.push('part', target));
  assert.equal(result(pushed, 'layers'), '4');
  fill(source, { 'src/new': 'n' });
  await good(machine.pull('all', '--', result(pushed, 'image')));
  const all = machine.workspace('all');
  assert.deepEqual([...look(all).keys()], [...look(source).keys()]);
  assert.equal(readFileSync(`${all}/docs/c`, 'utf8'), 'c1');
});

test('paths that are in no image are told: a name that is written wrong would give an empty folder', async () => {
  await using machine = await makeMachine();
  machine.workspace('w', { 'src/a': '1', 'docs/b': '2' });
  const image = `oci:${machine.path}/images:main`;
  await good(machine.push('w', `--target=${image}`));
  const pulled = await good(machine.pull('other', '--paths=./src/,dosc', '--', image));
  assert.deepEqual(readdirSync(machine.workspace('other')), ['src']);
  const warnings = pulled.stderr.split('\n').filter((line) => line.includes('warn: '));
  assert.deepEqual(warnings, ['oci-workspace-pull: warn: paths: there is no dosc in what is pulled']);
});

test('trusted artifacts of Konflux: the digest of a blob, and of a manifest; what is pushed then is all of the folder', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const tar = gzipSync(tarOf({ path: './', type: 'folder', mode: 0o755 }, { path: './a/b', content: 'b' }));
  const digest = digestOf(tar);
  const config = Buffer.from('{}');
  registry.plant('org/app', digest, tar);
  registry.plant('org/app', digestOf(config), config);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: 'application/vnd.unknown.artifact.v1',
      config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(config), size: 2 },
      layers: [
        {
          mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
          digest,
          size: tar.length,
          annotations: { 'org.opencontainers.image.title': 'SOURCE_ARTIFACT' },
        },
      ],
    }),
  );
  registry.plantManifest('org/app', 'artifact', 'application/vnd.oci.image.manifest.v1+json', manifest);
  for (const named of [digest, digestOf(manifest)]) {
    await good(machine.pull('work', '--', `oci:${registry.host}/org/app@${named}`));
    assert.equal(readFileSync(`${machine.workspace('work')}/a/b`, 'utf8'), 'b');
    fill(machine.workspace('work'), { new: 'n' });
    const pushed = await good(machine.push('work', `--target=${registry.host}/org/app`));
    assert.equal(result(pushed, 'layers'), '1');
    await good(machine.pull('again', '--', result(pushed, 'image')));
    assert.deepEqual(look(machine.workspace('again')), look(machine.workspace('work')));
  }
});

test('a layout folder is as good as a registry', async () => {
  await using machine = await makeMachine();
  const layout = `oci:${machine.path}/images`;
  machine.workspace('source', { a: 'a' });
  const pushed = await good(machine.push('source', `--target=${layout}:build`, '--tags=extra,more'));
  assert.equal(result(pushed, 'image'), `${layout}@${result(pushed, 'IMAGE_DIGEST')}`);
  for (const source of [result(pushed, 'image'), `${layout}:build`, `${layout}:more`]) {
    await good(machine.pull('work', '--', source));
    assert.deepEqual(look(machine.workspace('work')), look(machine.workspace('source')));
  }
  const absent = await machine.pull('work', '--', `oci:${machine.path}/absent:x`);
  assert.match(absent.stderr, /there is no folder .*\/absent/);
  await good(machine.pull('work', '--optional', '--', `oci:${machine.path}/absent:x`));
  const digest = await machine.pull('work', '--optional', '--', `oci:${machine.path}/absent@sha256:${'0'.repeat(64)}`);
  assert.equal(digest.code, 1, 'a digest that is not there is always an error');
});

test('what a pull that was cut off has moved is put back by the next one, also where that pulls nothing', async () => {
  await using machine = await makeMachine();
  const work = machine.workspace('work', { new: 'n', '.subpipe-pull/old/mine': 'm' });
  mkdirSync(`${work}/.subpipe-pull/new`);
  fill(work, { '.subpipe-pull/journal': JSON.stringify({ old: ['mine'], new: ['new'] }) });
  const { stderr } = await good(machine.pull('work', '--optional', '--', `oci:${machine.path}/absent:x`));
  assert.match(stderr, /warn: an earlier pull into .*work was cut off: what was there before is back/);
  assert.deepEqual(readdirSync(work), ['mine']);
});

test('a failure in the middle leaves the folder as it was, and the next push knows what it was made from', async () => {
  await using machine = await makeMachine();
  let broken = '';
  await using registry = await FakeRegistry.start({
    intercept(request, response) {
      if (broken === '' || request.url?.includes(broken) !== true || request.method !== 'GET') return false;
      response.writeHead(200, { 'content-length': 40 }).end('0123456789012345678901234567890123456789');
      return true;
    },
  });
  const target = `--target=${registry.host}/app:1`;
  const source = machine.workspace('source', { a: 'a0'.repeat(1000) });
  const first = await good(machine.push('source', target));
  fill(source, { b: 'b' });
  const second = await good(machine.push('source', target));
  await good(machine.pull('work', '--', result(first, 'image')));
  const work = machine.workspace('work', { own: 'o' });
  const before = look(work);
  const layers = registry.requests.filter((line) => line.startsWith('PUT') && line.includes('digest='));
  broken = /sha256%3A[0-9a-f]+|sha256:[0-9a-f]+/.exec(layers[0] ?? '')?.[0]?.replace('%3A', ':') ?? 'none';
  const failed = await machine.pull('work', '--', result(second, 'image'));
  assert.equal(failed.code, 1, failed.stderr);
  assert.deepEqual(look(work), before);
  broken = '';
  const pushed = await good(machine.push('work', `--target=${registry.host}/app:2`));
  assert.equal(result(pushed, 'layers'), '2', 'what was pulled before the failure, and what is new');
  await good(machine.pull('again', '--', result(pushed, 'image')));
  assert.deepEqual(look(machine.workspace('again')), before);
});

test('a tag that is there is pulled where the list of tags is not, or is behind', async () => {
  await using machine = await makeMachine();
  let answer: readonly [number, string] = [404, '{}'];
  await using registry = await FakeRegistry.start({
    intercept(request, response) {
      if (request.url?.includes('/tags/list') !== true) return false;
      response.writeHead(answer[0]).end(answer[1]);
      return true;
    },
  });
  const source = machine.workspace('source', { a: 'a' });
  await good(machine.push('source', `--target=${registry.host}/app:1`));
  await good(machine.pull('one', '--', `${registry.host}/app:1`));
  answer = [200, '{"name":"app","tags":["other"]}'];
  await good(machine.pull('two', '--', `${registry.host}/app:1`));
  assert.deepEqual([look(machine.workspace('one')), look(machine.workspace('two'))], [look(source), look(source)]);
});

test('owners and modes can be mapped, and git is told of', async () => {
  await using machine = await makeMachine();
  const layout = `oci:${machine.path}/images:x`;
  const source = machine.workspace('source', { file: 'f', '.git/HEAD': 'ref' });
  mkdirSync(`${source}/folder`);
  chmodSync(`${source}/file`, 0o640);
  chmodSync(`${source}/folder`, 0o700);
  await good(machine.push('source', `--target=${layout}`));
  const pulled = await good(machine.pull('work', '--mode=group', '--', layout));
  const work = machine.workspace('work');
  assert.equal(lstatSync(`${work}/file`).mode & 0o777, 0o660);
  assert.equal(lstatSync(`${work}/folder`).mode & 0o777, 0o770);
  assert.ok(pulled.stderr.includes(`git config --global --add safe.directory ${work}`), pulled.stderr);
  assert.equal(lstatSync(`${work}/file`).uid, process.getuid?.());
  const wrong = await machine.pull('work', '--owner=me', '--', layout);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /--owner must be self, keep or UID:GID, but is "me"/);
  if (process.getuid?.() !== 0) return;
  await good(machine.pull('work', '--owner=1234:5678', '--', layout));
  assert.deepEqual([lstatSync(`${work}/file`).uid, lstatSync(`${work}/folder`).gid], [1234, 5678]);
});

test('of an index, the image of a platform is pulled', async () => {
  await using machine = await makeMachine();
  const layout = `oci:${machine.path}/images`;
  const manifests: Descriptor[] = [];
  for (const architecture of ['arm64', 's390x']) {
    machine.workspace(architecture, { [architecture]: 'x' });
    const pushed = await good(machine.push(architecture, `--target=${layout}:${architecture}`));
    const { target, reference } = await openTarget(result(pushed, 'image'));
    const { descriptor } = await target.readManifest(reference);
    manifests.push({ ...descriptor, platform: { os: 'linux', architecture } });
  }
  const { target } = await openTarget(layout);
  await target.writeManifest(storeManifest({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }), 'both');
  for (const architecture of ['arm64', 's390x']) {
    await good(machine.pull('work', `--platform=linux/${architecture}`, '--', `${layout}:both`));
    assert.deepEqual(readdirSync(machine.workspace('work')), [architecture]);
  }
  const none = await machine.pull('work', '--platform=windows/amd64', '--', `${layout}:both`);
  assert.match(none.stderr, /has no image for windows\/amd64: it has linux\/arm64, linux\/s390x/);
});

test('where nothing can be kept of a pull, the folder stays as it was', async () => {
  await using machine = await makeMachine();
  machine.workspace('w', { a: '1' });
  await good(machine.push('w', `--target=oci:${machine.path}/images:main`));
  const other = machine.workspace('other', { mine: 'kept', file: '' });
  // As one that may not be written to, also for root.
  symlinkSync('nowhere/at/all', `${machine.path}/kept`);
  const refused = await machine.pull(
    'other',
    `--state-folder=${machine.path}/kept`,
    '--',
    `oci:${machine.path}/images:main`,
  );
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /error: cannot write to .*\/kept, where is kept what a pull has seen.*--state-folder/);
  assert.deepEqual(readdirSync(other).sort(), ['file', 'mine']);
});

test('what is kept of a pull is never in the workspace', async () => {
  await using machine = await makeMachine();
  const work = machine.workspace('work', { a: 'a' });
  const inside = await machine.push('work', `--state-folder=${work}/state`, `--target=oci:${machine.path}/never:x`);
  assert.equal(inside.code, 2);
  assert.match(inside.stderr, /--state-folder is .* which is in the workspace .*: expected a folder outside/);
  symlinkSync('work', `${machine.path}/link`);
  const linked = `--state-folder=${machine.path}/link/not/there`;
  const throughLink = await machine.push('work', linked, `--target=oci:${machine.path}/never:x`);
  assert.match(throughLink.stderr, /which is in the workspace/);
  assert.ok(!existsSync(`${machine.path}/never`));
});

test('what a pull has made below a link is known to the push, as it is where it was made', async () => {
  await using machine = await makeMachine();
  machine.workspace('source', { a: 'a' });
  machine.workspace('real');
  symlinkSync('real', `${machine.path}/link`);
  await good(machine.push('source', `--target=oci:${machine.path}/images:x`));
  await good(machine.pull('link/work', '--', `oci:${machine.path}/images:x`));
  fill(machine.workspace('link/work'), { b: 'b' });
  const pushed = await good(machine.push('link/work', `--target=oci:${machine.path}/images:y`));
  assert.equal(result(pushed, 'layers'), '2');
});
