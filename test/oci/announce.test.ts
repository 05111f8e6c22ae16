import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announce, announcementTag, gather, isAnnouncement, withdraw } from '../../runtime/oci/announce.ts';
import { Layout } from '../../runtime/oci/layout.ts';
import { mediaTypes, storeManifest } from '../../runtime/oci/manifest.ts';
import { isTag, parseName } from '../../runtime/oci/name.ts';
import { fallbackTag } from '../../runtime/oci/referrers.ts';
import { Registry } from '../../runtime/oci/registry.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { announceAtOnce, digests, image } from './announce.ts';
import { anonymous, blobOf, put, sample, scratch } from './helpers.ts';

const open = (fake: FakeRegistry) =>
  Registry.open(parseName(`${fake.host}/team/app`), { credentials: anonymous, mirrors: [] });

test('20 pushes at once to one tag of a registry are all kept, also when tags come in pages', async () => {
  await using fake = await FakeRegistry.start({ quirks: { pageSize: 7 } });
  await announceAtOnce(() => open(fake), 'build');
});

test('20 pushes at once to one tag of a layout folder are all kept', async () => {
  const folder = await scratch();
  await announceAtOnce(() => Layout.create(folder), 'build');
});

test('what is in something later is gathered no more; what others pushed to the tag is', async () => {
  await using fake = await FakeRegistry.start();
  const registry = await open(fake);
  assert.deepEqual(await gather(registry, 'v1'), [], 'no repository');
  const base = await image(registry);
  await registry.writeManifest(base, 'v1');
  assert.deepEqual(digests(await gather(registry, 'v1')), digests([base]), 'pushed by some other program');
  const [left, right] = [
    await image(registry, [base.descriptor.digest]),
    await image(registry, [base.descriptor.digest]),
  ];
  await announce(registry, 'v1', left);
  await announce(registry, 'v1', right);
  await announce(registry, 'v1', left);
  assert.deepEqual(digests(await gather(registry, 'v1')), digests([left, right]));
  await registry.writeManifest(await image(registry), 'v1.0');
  await announce(registry, 'v1.0', await image(registry));
  assert.deepEqual(digests(await gather(registry, 'v1')), digests([left, right]), 'other tags are other targets');
  assert.equal(await withdraw(registry, 'v1', right.descriptor.digest), 'deleted');
  assert.deepEqual(digests(await gather(registry, 'v1')), digests([left]));
});

test('the tags of announcements are tags, also of the longest names, and differ where the names do', () => {
  const digest = `sha256:${'a'.repeat(64)}` as const;
  for (const tag of ['v1', 'a'.repeat(103), 'a'.repeat(104), 'a'.repeat(128)]) {
    const made = announcementTag(tag, digest);
    assert.ok(isTag(made) && isAnnouncement(made), made);
  }
  assert.notEqual(announcementTag('a'.repeat(127), digest), announcementTag('a'.repeat(128), digest));
  assert.ok(!isAnnouncement('v1.0'));
});

for (const noReferrers of [false, true]) {
  test(`referrers are listed ${noReferrers ? 'by the fallback tag' : 'by the API'}`, async () => {
    await using fake = await FakeRegistry.start({ quirks: { noReferrers, pageSize: 1 } });
    const registry = await open(fake);
    const { descriptor } = await sample(registry, 'v1');
    const empty = Buffer.from('{}');
    await put(registry, empty);
    const about = (artifactType: string) =>
      storeManifest({
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        artifactType,
        config: blobOf(empty, 'application/vnd.oci.empty.v1+json'),
        layers: [],
        subject: descriptor,
        annotations: { note: artifactType },
      });
    const both = [about('application/vnd.one'), about('application/vnd.two')];
    for (const manifest of both) await registry.writeManifest(manifest);
    const found = await registry.referrers(descriptor.digest);
    assert.deepEqual(found.map(({ digest }) => digest).sort(), digests(both));
    const [two, ...more] = await registry.referrers(descriptor.digest, { artifactType: 'application/vnd.two' });
    assert.deepEqual([two?.annotations, more], [{ note: 'application/vnd.two' }, []]);
    assert.equal((await registry.listTags()).includes(fallbackTag(descriptor.digest)), noReferrers);
  });
}

test('a list of tags without end is an error', async () => {
  await using fake = await FakeRegistry.start({
    intercept(request, response) {
      if (request.url?.includes('/tags/list') !== true) return false;
      response.writeHead(200, { link: `<${request.url}>; rel="next"` }).end('{"tags":["v1"]}');
      return true;
    },
  });
  await assert.rejects((await open(fake)).listTags(), /lists tags without end/);
});

test('what a registry does not delete is no error', async () => {
  await using fake = await FakeRegistry.start({ quirks: { deletion: 'digest' } });
  const registry = await open(fake);
  const { descriptor } = await sample(registry, 'v1');
  assert.equal(await registry.deleteTag('v1'), 'unsupported');
  assert.equal(await registry.deleteManifest(descriptor.digest), 'deleted');
  assert.equal(await registry.deleteManifest(descriptor.digest), 'absent');
  assert.deepEqual(await registry.listTags(), []);
});
