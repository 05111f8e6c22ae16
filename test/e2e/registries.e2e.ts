import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { copy } from '../../runtime/oci/copy.ts';
import { Layout } from '../../runtime/oci/layout.ts';
import { mediaTypes, storeManifest } from '../../runtime/oci/manifest.ts';
import { parseName } from '../../runtime/oci/name.ts';
import { Registry } from '../../runtime/oci/registry.ts';
import { announceAtOnce, digests, image } from '../oci/announce.ts';
import { breakingProxy } from '../oci/breaking-proxy.ts';
import { anonymous, blobOf, put, read, sample, scratch } from '../oci/helpers.ts';
import { type RegistryName, registries, startRegistry } from '../oci/real-registry.ts';

const open = (host: string, repository = 'team/app') =>
  Registry.open(parseName(`${host}/${repository}`), { credentials: anonymous, mirrors: [] });

const bytes = randomBytes(20_000_000);

function source(): Readable {
  const pieces = (function* () {
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
  })();
  return Readable.from(pieces, { objectMode: false });
}

for (const name of Object.keys(registries) as RegistryName[]) {
  test(`${name}: 20 pushes at once to one target are all kept`, async () => {
    await using registry = await startRegistry(name);
    await announceAtOnce(() => open(registry.host), 'build');
  });

  test(`${name}: an index there and back, blobs mounted, streams of unknown digest, parts`, async () => {
    await using registry = await startRegistry(name);
    const from = await Layout.create(await scratch());
    const index = await sample(from, 'v1');
    await copy(from, await open(registry.host, 'team/one'), 'v1', { tag: 'v1' });
    const target = await open(registry.host);
    await copy(from, target, 'v1', { tag: 'v1', mountFrom: 'team/one' });
    const to = await Layout.create(await scratch());
    assert.deepEqual(await copy(target, to, 'v1'), index.descriptor);
    const blob = await target.writeStream(mediaTypes.layer, source);
    assert.deepEqual(blob, blobOf(bytes));
    assert.ok(bytes.equals(await read(target.readBlob(blob))));
    assert.deepEqual(await read(target.readRange(blob, 1_000_000, 5000)), bytes.subarray(1_000_000, 1_005_000));
    assert.equal((await target.findBlob(blob.digest))?.size, bytes.length);
  });

  test(`${name}: uploads and downloads survive a connection that breaks`, async () => {
    await using registry = await startRegistry(name);
    await using proxy = await breakingProxy(registry.host, { after: 5_000_000, times: 1 });
    const through = await open(proxy.host);
    const streamed = await through.writeStream(mediaTypes.layer, source);
    assert.equal(proxy.broken, 1);
    proxy.breakAgain(1);
    assert.ok(bytes.equals(await read(through.readBlob(streamed))));
    assert.equal(proxy.broken, 2);
    proxy.breakAgain(1);
    const other = await open(proxy.host, 'team/other');
    await other.writeBlob(streamed, source);
    assert.equal(proxy.broken, 3);
    assert.ok(bytes.equals(await read((await open(registry.host, 'team/other')).readBlob(streamed))));
  });

  test(`${name}: referrers are listed, and what is deleted is gone`, async () => {
    await using registry = await startRegistry(name);
    const target = await open(registry.host);
    const subject = await image(target);
    await target.writeManifest(subject, 'v1');
    const empty = Buffer.from('{}');
    await put(target, empty);
    const about = storeManifest({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType: 'application/vnd.subpipe.test',
      config: blobOf(empty, 'application/vnd.oci.empty.v1+json'),
      layers: [],
      subject: subject.descriptor,
    });
    await target.writeManifest(about);
    const found = await target.referrers(subject.descriptor.digest);
    assert.deepEqual(
      found.map(({ digest }) => digest),
      digests([about]),
    );
    const byTag = await target.deleteTag('v1');
    assert.equal(byTag, name === 'Distribution 2' ? 'unsupported' : 'deleted');
    await target.deleteManifest(subject.descriptor.digest);
    assert.ok(!(await target.listTags()).includes('v1'));
    await assert.rejects(target.readManifest(subject.descriptor.digest), { code: 'NOT_FOUND' });
  });
}
