import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { Layout } from '../../runtime/oci/layout.ts';
import { mediaTypes, storeManifest } from '../../runtime/oci/manifest.ts';
import { blobOf, put, sample, scratch } from './helpers.ts';

const writer = `
  import { Layout } from '${join(import.meta.dirname, '../../runtime/oci/layout.ts')}';
  import { digestOf } from '${join(import.meta.dirname, '../../runtime/oci/digest.ts')}';
  const [folder, name] = process.argv.slice(1);
  const layout = await Layout.create(folder);
  for (let count = 0; count < 10; count++) {
    const descriptor = { mediaType: '${mediaTypes.manifest}', digest: digestOf(name + count), size: 1 };
    await layout.tag(descriptor, name + count);
  }
`;

test('processes that write tags to one new layout at the same time lose none', async () => {
  const folder = await scratch();
  const codes = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (name) => {
      const args = ['--input-type=module', '-e', writer, folder, name];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      const [code] = await once(child, 'exit');
      return code;
    }),
  );
  assert.deepEqual(codes, [0, 0, 0, 0]);
  assert.equal((await (await Layout.open(folder)).listTags()).length, 40);
  assert.ok((await readdir(folder)).every((name) => !/lock|part/.test(name)));
});

test('a lock that somebody left behind is taken away once it is old', async () => {
  const folder = await scratch();
  const layout = await Layout.create(folder);
  const index = await sample(layout, 'v1');
  const lock = join(folder, 'index.json.lock');
  await writeFile(lock, 'of a process that is gone');
  const old = Date.now() / 1000 - 60;
  await utimes(lock, old, old);
  await Promise.all(['a', 'b', 'c'].map((tag) => layout.tag(index.descriptor, tag)));
  assert.deepEqual(await layout.listTags(), ['a', 'b', 'c', 'v1']);
});

test('tags and manifests are deleted, and what was not there is absent', async () => {
  const layout = await Layout.create(await scratch());
  const { descriptor } = await sample(layout, 'v1');
  await layout.tag(descriptor, 'v2');
  assert.equal(await layout.deleteTag('v1'), 'deleted');
  assert.equal(await layout.deleteTag('v1'), 'absent');
  assert.deepEqual((await layout.readManifest('v2')).descriptor.digest, descriptor.digest);
  assert.equal(await layout.deleteManifest(descriptor.digest), 'deleted');
  assert.equal(await layout.deleteManifest(descriptor.digest), 'absent');
  assert.deepEqual(await layout.listTags(), []);
  await assert.rejects(layout.readManifest(descriptor.digest), { code: 'NOT_FOUND' });
});

test('what refers to a manifest of a layout is listed, with or without a tag', async () => {
  const layout = await Layout.create(await scratch());
  const { descriptor } = await sample(layout, 'v1');
  const config = Buffer.from('{}');
  await put(layout, config, 'application/vnd.oci.empty.v1+json');
  const about = (artifactType: string) =>
    storeManifest({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType,
      config: blobOf(config, 'application/vnd.oci.empty.v1+json'),
      layers: [],
      subject: descriptor,
    });
  await layout.writeManifest(about('application/vnd.one'));
  await layout.writeManifest(about('application/vnd.two'), 'two');
  const types = async (artifactType?: string) =>
    (await layout.referrers(descriptor.digest, artifactType === undefined ? {} : { artifactType })).map(
      (item) => item.artifactType,
    );
  assert.deepEqual((await types()).sort(), ['application/vnd.one', 'application/vnd.two']);
  assert.deepEqual(await types('application/vnd.two'), ['application/vnd.two']);
});
