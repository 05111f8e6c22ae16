import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import process from 'node:process';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { buildImages } from '../../images/build-images.ts';
import { bundleSteps } from '../../images/bundle.ts';
import { codeCache } from '../../images/code-cache.ts';
import type { ImageFlags } from '../../images/flags.ts';
import { ownPlatform } from '../../images/platform.ts';
import { readProject } from '../../images/project.ts';
import { pushImages } from '../../images/push.ts';
import { stepEntries } from '../../images/step-files.ts';
import { sizeTable } from '../../images/table.ts';
import { warmUps } from '../../images/warm-up.ts';
import { type Entry, textEntry } from '../../runtime/archive/layer/entry.ts';
import { readConfig } from '../../runtime/oci/config.ts';
import { readSmall } from '../../runtime/oci/copy.ts';
import { Layout } from '../../runtime/oci/layout.ts';
import { parseName } from '../../runtime/oci/name.ts';
import { Registry } from '../../runtime/oci/registry.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { sample, scratch } from '../oci/helpers.ts';

const run = promisify(execFile);
const step = 'subpipe-wait';

/** In place of Node's 116 MB, so that this needs no network. */
const runtime = (platform: string): Promise<Entry[]> =>
  Promise.resolve([textEntry('usr/bin/node', `node of ${platform}`)]);

async function flags(base: string, more: Partial<ImageFlags> = {}): Promise<ImageFlags> {
  return {
    base,
    platforms: ['linux/amd64', 'linux/arm64'],
    push: undefined,
    plainHttp: false,
    output: join(await scratch(), 'images'),
    tag: 'v1',
    steps: [step],
    tar: false,
    compression: 'zstd',
    revision: undefined,
    created: 0,
    ...more,
  };
}

async function makeBase(): Promise<string> {
  const base = await Layout.create(await scratch());
  await sample(base, 'latest');
  return `oci:${base.folder}`;
}

test('the same input gives the same digest, in another folder and at another time', async () => {
  const base = await makeBase();
  const first = await buildImages(await flags(base), { runtime });
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const second = await buildImages(await flags(base), { runtime });
  assert.equal(first.images[0]?.descriptor.digest, second.images[0]?.descriptor.digest);
  const later = await buildImages(await flags(base, { created: 1_700_000_000 }), { runtime });
  assert.notEqual(first.images[0]?.descriptor.digest, later.images[0]?.descriptor.digest, 'SOURCE_DATE_EPOCH counts');
});

test('an image has both platforms, base, Node and step layers, and runs as 65532', async () => {
  const { layout, images } = await buildImages(await flags(await makeBase(), { revision: 'abc' }), { runtime });
  const index = await layout.readManifest(`${step}:v1`);
  assert.equal(index.kind, 'index');
  assert.deepEqual(index.kind === 'index' && index.value.manifests.map(({ platform }) => platform), [
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm64' },
  ]);
  for (const child of index.kind === 'index' ? index.value.manifests : []) {
    const image = await layout.readManifest(child.digest);
    assert.ok(image.kind === 'image');
    assert.equal(image.value.layers.length, 3);
    for (const layer of image.value.layers) assert.equal(await layout.hasBlob(layer), true);
    const config = readConfig(await readSmall(layout, image.value.config), 'test');
    assert.equal(config.architecture, child.platform?.architecture);
    assert.equal(config.config.User, '65532:65532');
    assert.deepEqual(config.config.Entrypoint, [`/subpipe/${step}`]);
    assert.equal(config.rootfs.diff_ids.length, 2, "the sample base's config lists no layers of its own");
    assert.equal(config.created, '1970-01-01T00:00:00Z');
    assert.equal(image.value.annotations?.['org.opencontainers.image.title'], step);
    assert.equal(image.value.annotations?.['org.opencontainers.image.revision'], 'abc');
  }
  assert.match(sizeTable(images), /image +platform +base +Node +step +total\nsubpipe-wait +linux\/amd64 .* MB\n/);
});

test('a base without the platform, and a base that is not there, are refused in a sentence', async () => {
  const layout = await Layout.create(await scratch());
  const index = await sample(layout, 'latest');
  const arm = index.kind === 'index' ? index.value.manifests[1] : undefined;
  assert.ok(arm !== undefined);
  const only = `oci:${layout.folder}@${arm.digest}`;
  await assert.rejects(buildImages(await flags(only), { runtime }), /is for linux\/arm64, not for linux\/amd64/);
  await assert.rejects(
    buildImages(await flags(`oci:${layout.folder}:v9`), { runtime }),
    /has no tag "v9": it has latest/,
  );
  await assert.rejects(buildImages(await flags('oci:/nowhere'), { runtime }), /\/nowhere is not an OCI layout/);
  await assert.rejects(
    buildImages(await flags(only, { steps: ['nothing'] }), { runtime }),
    /--steps: expected some of .*subpipe-wait.*, got "nothing"/,
  );
});

test('pushed images can be pulled by tag, and their shared layers are sent once', async () => {
  await using fake = await FakeRegistry.start();
  const { layout, images } = await buildImages(await flags(await makeBase(), { steps: [step, 'subpipe-trigger'] }), {
    runtime,
  });
  const references = await pushImages(layout, images, { prefix: `${fake.host}/team`, tag: 'v1', plainHttp: false });
  const name = parseName(references.get(step) ?? '');
  const pulled = await (await Registry.open(name)).readManifest('v1');
  assert.equal(pulled.descriptor.digest, name.digest);
  const nodeLayers = fake.requests.filter((line) => /^POST .*[?&]mount=/.test(line) && line.endsWith(' 201'));
  assert.ok(nodeLayers.length >= 3, 'the base and two Node layers are mounted');
});

test('a step starts from a folder that is read-only, with its compiled code', async () => {
  const platform = ownPlatform();
  const bundles = await scratch();
  await bundleSteps([step], bundles, await readProject());
  const folder = await scratch();
  for (const entry of await stepEntries(step, bundles, platform ?? 'linux/amd64')) {
    assert.ok(entry.type === 'file');
    await writeFile(join(folder, basename(entry.path)), await buffer(entry.open()), { mode: 0o444 });
  }
  await chmod(folder, 0o555);
  const { stdout } = await run(process.execPath, [join(folder, step), '--version']);
  assert.match(stdout, /^subpipe-wait \d+\.\d+\.\d+\n$/);
  await chmod(folder, 0o755);
});

test('the compiled code is the same each time, and V8 takes it without the flags that made it so', async () => {
  const folder = await scratch();
  await mkdir(join(folder, 'longer-name'));
  const source = 'module.exports = function add(a, b) { return a + b; };'.repeat(50);
  for (const name of ['a.js', 'longer-name/b.js']) await writeFile(join(folder, name), source);
  const first = await codeCache(join(folder, 'a.js'), '/subpipe/a.js');
  const second = await codeCache(join(folder, 'longer-name/b.js'), '/subpipe/a.js');
  assert.ok(first !== undefined, 'V8 refused it');
  assert.deepEqual(first, second);
});

test("pac-resolve's compiled code is that of a small run, the same each time", async () => {
  const bundles = await scratch();
  await bundleSteps(['pac-resolve'], bundles, await readProject());
  const bundle = join(bundles, 'pac-resolve.js');
  // Side by side: what a busy machine does to V8's threads is to make no difference.
  const made = () => codeCache(bundle, '/subpipe/pac-resolve.js', warmUps['pac-resolve']);
  const [first, ...others] = await Promise.all(Array.from({ length: 6 }, made));
  assert.ok(first !== undefined, 'V8 refused it');
  for (const other of others) assert.ok(other?.equals(first));
  const all = await codeCache(bundle, '/subpipe/pac-resolve.js');
  assert.ok(all !== undefined && all.length > 2 * first.length, 'it holds what a small run does not call');
});
