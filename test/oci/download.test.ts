import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { announce, gather } from '../../runtime/oci/announce.ts';
import { copy } from '../../runtime/oci/copy.ts';
import { parseCredentials } from '../../runtime/oci/credentials.ts';
import { Layout } from '../../runtime/oci/layout.ts';
import { type Descriptor, mediaTypes, readDescriptor, storeManifest } from '../../runtime/oci/manifest.ts';
import { loadMirrors, mirrorsOf, parseMirrors } from '../../runtime/oci/mirrors.ts';
import { formatName, parseName } from '../../runtime/oci/name.ts';
import { readImage } from '../../runtime/oci/platform.ts';
import { Registry } from '../../runtime/oci/registry.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import type { Quirks } from '../fakes/registry-quirks.ts';
import { anonymous, blobOf, put, read, sample, scratch } from './helpers.ts';

const open = (fake: FakeRegistry, options: Parameters<typeof Registry.open>[1] = {}) =>
  Registry.open(parseName(`${fake.host}/team/app`), { credentials: anonymous, ...options });

const bytes = randomBytes(1_000_000);
const blob = blobOf(bytes);

async function planted(quirks: Quirks): Promise<FakeRegistry> {
  const fake = await FakeRegistry.start({ quirks });
  fake.plant('team/app', blob.digest, bytes);
  return fake;
}

const gets = (fake: FakeRegistry) => fake.requests.filter((line) => line.startsWith('GET /v2/team/app/blobs/'));

test('a download that breaks is continued, and all of it is verified', async () => {
  await using fake = await planted({ cutDownloads: { after: 300_000, times: 3 } });
  assert.ok(bytes.equals(await read((await open(fake)).readBlob(blob))));
  assert.ok(gets(fake).some((line) => line.endsWith(' 206')));
});

test('a connection that breaks behind the last byte took nothing with it', async () => {
  await using fake = await FakeRegistry.start({
    intercept(_request, response) {
      // Chunked, and the last chunk, which says that it was all, never comes.
      response.writeHead(200).write(bytes, () => setTimeout(() => response.destroy(), 20));
      return true;
    },
  });
  assert.ok(bytes.equals(await read((await open(fake)).readBlob(blob))));
});

test('a registry that wants the end of a range, as that of crane, continues too', async () => {
  let opens = 0;
  await using fake = await FakeRegistry.start({
    quirks: { cutDownloads: { after: 300_000, times: 1 } },
    intercept({ headers }, response) {
      if (headers.range?.endsWith('-') !== true) return false;
      opens += 1;
      response.writeHead(416).end();
      return true;
    },
  });
  fake.plant('team/app', blob.digest, bytes);
  assert.ok(bytes.equals(await read((await open(fake)).readBlob(blob))));
  assert.equal(opens, 1);
});

test('a body without a length, as of HTTP/1.0, that ends too early is continued', async () => {
  let asked = 0;
  await using fake = await FakeRegistry.start({
    intercept(request, response) {
      if (request.method !== 'GET' || ++asked > 1) return false;
      response.removeHeader('transfer-encoding');
      response.useChunkedEncodingByDefault = false;
      response.writeHead(200, { connection: 'close' }).end(bytes.subarray(0, 300_000));
      return true;
    },
  });
  fake.plant('team/app', blob.digest, bytes);
  assert.ok(bytes.equals(await read((await open(fake)).readBlob(blob))));
  assert.equal(asked, 2);
});

test('a server that knows no ranges is asked for all of it again', async () => {
  await using fake = await planted({ cutDownloads: { after: 300_000, times: 1 }, noRanges: true });
  assert.ok(bytes.equals(await read((await open(fake)).readBlob(blob))));
  assert.ok(gets(fake).every((line) => !line.endsWith(' 206')));
});

test('the rest of another content is noticed at the end', async () => {
  await using fake = await planted({ cutDownloads: { after: 300_000, times: 1 } });
  const stream = await (await open(fake)).readBlob(blob);
  stream.once('data', () => fake.plant('team/app', blob.digest, randomBytes(1_000_000)));
  await assert.rejects(read(stream), /has the digest/);
});

for (const quirks of [{}, { noRanges: true }, { cutDownloads: { after: 1000, times: 2 } }] satisfies Quirks[]) {
  test(`a part of a blob is read with ${JSON.stringify(quirks)}`, async () => {
    await using fake = await planted(quirks);
    const registry = await open(fake);
    assert.deepEqual(await read(registry.readRange(blob, 500_000, 5000)), bytes.subarray(500_000, 505_000));
    assert.deepEqual(await read(registry.readRange(blob, 0, 10)), bytes.subarray(0, 10));
    assert.deepEqual(await read(registry.readRange(blob, 999_990, 10)), bytes.subarray(999_990));
    assert.throws(() => registry.readRange(blob, 999_990, 11), /are not inside the 1000000 bytes/);
    const layout = await Layout.create(await scratch());
    await put(layout, bytes);
    assert.deepEqual(await read(layout.readRange(blob, 500_000, 5000)), bytes.subarray(500_000, 505_000));
    assert.equal((await layout.findBlob(blob.digest))?.size, bytes.length);
  });
}

test('other bytes than those that were asked for are an error', async () => {
  await using fake = await FakeRegistry.start({
    intercept(request, response) {
      if (request.headers.range === undefined) return false;
      const part = bytes.subarray(0, 5000);
      response.writeHead(206, { 'content-range': `bytes 0-4999/${bytes.length}` }).end(part);
      return true;
    },
  });
  fake.plant('team/app', blob.digest, bytes);
  await assert.rejects(
    (await open(fake)).readRange(blob, 500_000, 5000),
    /answered bytes=500000-504999 with other bytes/,
  );
});

test('a blob that only a digest is known of has a size', async () => {
  await using fake = await planted({});
  const registry = await open(fake);
  assert.equal((await registry.findBlob(blob.digest))?.size, bytes.length);
  assert.equal(await registry.findBlob(`sha256:${'0'.repeat(64)}`), undefined);
});

for (const [what, status] of [
  ['lets no HEAD through', 405],
  ['tells no length', 200],
] as const) {
  test(`a proxy that ${what} is asked otherwise`, async () => {
    await using fake = await FakeRegistry.start({
      intercept(request, response) {
        if (request.method !== 'HEAD') return false;
        response.writeHead(status).end();
        return true;
      },
    });
    fake.plant('team/app', blob.digest, bytes);
    const registry = await open(fake);
    assert.equal((await registry.findBlob(blob.digest))?.size, bytes.length);
    assert.equal(await registry.hasBlob(blob), status === 200);
  });
}

test('parts of a blob at another host are read there, and continued there', async () => {
  await using storage = await planted({ cutDownloads: { after: 100, times: 1 } });
  await using fake = await planted({ storage: storage.host });
  const registry = await open(fake, {
    credentials: () => ({ kind: 'bearer', token: 'for-the-registry-only' }),
  });
  assert.ok(bytes.equals(await read(registry.readBlob(blob))));
  assert.ok(fake.authorizations.every((header) => header === 'Bearer for-the-registry-only'));
  assert.ok(storage.authorizations.length >= 2 && storage.authorizations.every((header) => header === ''));
});

test('addresses of foreign layers are not followed: the error says so', async () => {
  let asked = false;
  await using elsewhere = await FakeRegistry.start({
    intercept: (_request, response) => {
      asked = true;
      response.end(bytes);
      return true;
    },
  });
  await using fake = await FakeRegistry.start();
  const mediaType = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';
  const descriptor = readDescriptor({ ...blob, mediaType, urls: [`http://${elsewhere.host}/layer`] }, 'x', 'layers[0]');
  assert.ok(!('urls' in descriptor));
  await assert.rejects((await open(fake)).readBlob(descriptor), { hint: /addresses in a manifest are not followed/ });
  assert.equal(asked, false);
});

test('an image is found for a platform, also in an index inside an index', async () => {
  await using fake = await FakeRegistry.start();
  const registry = await open(fake);
  const inner = await sample(registry, 'inner');
  const outer = storeManifest({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [inner.descriptor] });
  await registry.writeManifest(outer, 'outer');
  const entries: Descriptor[] = inner.kind === 'index' ? inner.value.manifests : [];
  for (const reference of ['inner', 'outer']) {
    const image = await readImage(registry, reference, { platform: { os: 'linux', architecture: 'arm64' } });
    assert.equal(image.descriptor.digest, entries[1]?.digest);
  }
  const windows = { platform: { os: 'windows', architecture: 'amd64' } };
  await assert.rejects(
    readImage(registry, 'outer', windows),
    /no image for windows\/amd64: it has linux\/amd64, linux\/arm64/,
  );
  const [first] = entries;
  assert.ok(first !== undefined);
  const { platform: _none, ...bare } = first;
  const unnamed = storeManifest({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [bare] });
  await registry.writeManifest(unnamed, 'unnamed');
  const { digest } = unnamed.descriptor;
  await assert.rejects(readImage(registry, digest, windows), {
    message: `${registry.name}@${digest} has no image for windows/amd64: it has ${bare.digest} without a platform`,
  });
  const to = await Layout.create(await scratch());
  await copy(registry, to, 'outer', { tag: 'copied' });
  assert.deepEqual((await to.readManifest('copied')).bytes, outer.bytes);
});

test('what is read comes from a mirror where it can, and what is written never goes there', async () => {
  await using mirror = await FakeRegistry.start();
  mirror.plant('hub/team/app', blob.digest, bytes);
  await using fake = await FakeRegistry.start();
  const warnings: string[] = [];
  const mirrors = parseMirrors(`${fake.host}=${mirror.host}/hub`, '--mirror');
  const registry = await open(fake, { mirrors, warn: (sentence) => void warnings.push(sentence) });
  assert.ok(bytes.equals(await read(registry.readBlob(blob))));
  assert.deepEqual(fake.requests, []);
  const own = randomBytes(100);
  await put(registry, own);
  assert.ok(mirror.requests.every((line) => line.startsWith('GET ')));
  assert.deepEqual(await read(registry.readBlob(blobOf(own))), own, 'what the mirror lacks comes from the registry');
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /the mirror .*\/hub\/team\/app did not help: .*HTTP 404/);
});

test('a mirror is asked with its own credentials, and TLS of the registry is nothing to it', async () => {
  const login = (username: string) => ({ username, password: `password of ${username}` });
  await using mirror = await FakeRegistry.start({ auth: { kind: 'basic', ...login('reader') } });
  mirror.plant('team/app', blob.digest, bytes);
  await using fake = await FakeRegistry.start();
  const auths = { [fake.host]: login('me'), [mirror.host]: login('reader') };
  const registry = await open(fake, {
    mirrors: parseMirrors(`${fake.host}=${mirror.host}`, '--mirror'),
    credentials: parseCredentials(JSON.stringify({ auths }), 'config.json'),
    plainHttp: false,
  });
  assert.ok(bytes.equals(await read(registry.readBlob(blob))));
  const [first, ...more] = new Set(mirror.authorizations);
  assert.equal(first, '', 'none before it asks for them');
  assert.deepEqual(more, [`Basic ${Buffer.from('reader:password of reader').toString('base64')}`]);
});

test('what was announced is not gathered from a mirror, which may be behind', async () => {
  await using mirror = await FakeRegistry.start();
  await using fake = await FakeRegistry.start();
  const registry = await open(fake, { mirrors: parseMirrors(`${fake.host}=${mirror.host}`, 'x') });
  await announce(registry, 'v1', await sample(registry, 'inner'));
  assert.equal((await gather(registry, 'v1')).length, 1);
  assert.deepEqual(mirror.requests, []);
});

test('mirrors are read from text, the longest prefix first', () => {
  const mirrors = parseMirrors('docker.io=a.example/hub, docker.io/library=b.example , docker.io=c.example:5000/', 'x');
  const names = mirrorsOf(mirrors, parseName('debian:12')).map(formatName);
  assert.deepEqual(names, ['b.example/debian', 'a.example/hub/library/debian', 'c.example:5000/library/debian']);
  assert.deepEqual(mirrorsOf(mirrors, parseName('quay.io/a/b')), []);
  assert.deepEqual(loadMirrors({}), []);
  for (const text of ['docker.io', 'docker.io=', 'a=b=c', 'hub=mirror', 'docker.io=https://m.example']) {
    assert.throws(() => parseMirrors(text, '--mirror'), /--mirror has ".*": expected FROM=TO/, text);
  }
});
