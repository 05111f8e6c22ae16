import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { Layout } from '../../runtime/oci/layout.ts';
import { mediaTypes } from '../../runtime/oci/manifest.ts';
import { blobOf, Overwritten, put, read, sample, scratch } from './helpers.ts';

test('a layout has the files of the image-spec and can be opened again', async () => {
  const folder = await scratch();
  const index = await sample(await Layout.create(folder), 'v1');
  assert.equal(await readFile(join(folder, 'oci-layout'), 'utf8'), '{"imageLayoutVersion":"1.0.0"}');
  const layout = await Layout.open(folder);
  assert.deepEqual((await layout.readManifest('v1')).descriptor, index.descriptor);
  assert.deepEqual((await layout.readManifest(index.descriptor.digest)).bytes, index.bytes);
  assert.equal(
    (await Layout.create(folder).then((again) => again.index())).manifests.length,
    1,
    'create keeps what is there',
  );
});

test('a tag moves to the last manifest that got it, and tags written at once are all kept', async () => {
  const layout = await Layout.create(await scratch());
  const first = await sample(layout, 'v1');
  const second = await sample(layout, 'v1');
  assert.notEqual(first.descriptor.digest, second.descriptor.digest);
  assert.equal((await layout.readManifest('v1')).descriptor.digest, second.descriptor.digest);
  await Promise.all(['a', 'b', 'c', 'd'].map((tag) => layout.tag(first.descriptor, tag)));
  assert.equal((await layout.index()).manifests.length, 5);
  await assert.rejects(layout.readManifest('v9'), /has no tag "v9": it has a, b, c, d, v1/);
});

test('a blob that is not what was promised never appears, not even in part', async () => {
  const folder = await scratch();
  const layout = await Layout.create(folder);
  const blob = blobOf(Buffer.from('promised'));
  await assert.rejects(
    layout.writeBlob(blob, () => Readable.from([Buffer.from('othersss')])),
    /has the digest/,
  );
  await assert.rejects(
    layout.addBlob(() => Promise.reject(new Error('broken'))),
    /broken/,
  );
  assert.deepEqual(await readdir(join(folder, 'blobs/sha256')), []);
});

test('a stream is stored by what it was, and its buffers can be used again', async () => {
  const layout = await Layout.create(await scratch());
  const bytes = randomBytes(1_000_000);
  const { open, written } = new Overwritten(bytes);
  const blob = await layout.writeStream(mediaTypes.layer, open, { written });
  assert.deepEqual(blob, blobOf(bytes));
  assert.ok(bytes.equals(await read(layout.readBlob(blob))));
});

test('a blob that was damaged on disk is noticed while it is read', async () => {
  const folder = await scratch();
  const layout = await Layout.create(folder);
  const bytes = randomBytes(5000);
  const blob = blobOf(bytes);
  await put(layout, bytes);
  assert.deepEqual(await read(layout.readBlob(blob)), bytes);
  const path = join(folder, 'blobs/sha256', blob.digest.slice(7));
  await writeFile(path, randomBytes(5000));
  await assert.rejects(read(layout.readBlob(blob)), /has the digest/);
  await truncate(path, 4000);
  await assert.rejects(read(layout.readBlob(blob)), /ended after 4000 of 5000 bytes/);
  assert.equal(await layout.hasBlob(blob), false, 'a push would write it again');
});

test('digests that are paths stay inside the folder', async () => {
  const folder = await scratch();
  const layout = await Layout.create(folder);
  for (const digest of ['sha256:../../../secret', '../../secret', `sha512:${'a'.repeat(128)}`]) {
    const hostile = { mediaType: mediaTypes.layer, digest: digest as `sha256:${string}`, size: 1 };
    await assert.rejects(layout.readBlob(hostile), /is not a sha256 digest/);
    const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [hostile] };
    await writeFile(join(folder, 'index.json'), JSON.stringify(index));
    await assert.rejects(layout.readManifest('v1'), /no sha256 digest in manifests\[0\]/);
  }
});

test('a folder that is no layout is refused by name', async () => {
  const folder = await scratch();
  await assert.rejects(Layout.open(folder), /is not an OCI layout: it has no readable file oci-layout/);
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}');
  await assert.rejects(Layout.open(folder), /has the layout version 2.0.0, expected 1.0.0/);
});
