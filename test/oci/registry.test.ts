import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { explain } from '../../runtime/errors.ts';
import { copy, readSmall } from '../../runtime/oci/copy.ts';
import { parseCredentials } from '../../runtime/oci/credentials.ts';
import { Layout } from '../../runtime/oci/layout.ts';
import { type Descriptor, mediaTypes, storeManifest } from '../../runtime/oci/manifest.ts';
import { parseName } from '../../runtime/oci/name.ts';
import { Registry } from '../../runtime/oci/registry.ts';
import { redact } from '../../runtime/redact.ts';
import { FakeRegistry, type FakeRegistryOptions } from '../fakes/registry.ts';
import { anonymous, blobOf, put, read, sample, scratch } from './helpers.ts';

const open = (fake: FakeRegistry, repository = 'team/app', credentials: Parameters<typeof Registry.open>[1] = {}) =>
  Registry.open(parseName(`${fake.host}/${repository}`), { credentials: anonymous, ...credentials });

const login = (fake: FakeRegistry, password: string) => ({
  credentials: parseCredentials(
    JSON.stringify({ auths: { [fake.host]: { username: 'me', password } } }),
    'config.json',
  ),
});

test('an index goes from a layout to a registry and to another layout unchanged', async () => {
  await using fake = await FakeRegistry.start();
  const from = await Layout.create(await scratch());
  const index = await sample(from, 'v1');
  const registry = await open(fake);
  await copy(from, registry, 'v1', { tag: 'v2' });
  const to = await Layout.create(await scratch());
  assert.deepEqual(await copy(registry, to, 'v2', { tag: 'v3' }), index.descriptor);
  const stored = await to.readManifest('v3');
  assert.deepEqual(stored.bytes, index.bytes);
  assert.equal(stored.kind === 'index' && stored.value.manifests.length, 2);
});

test('blobs that are there are not sent again, and shared ones are mounted', async () => {
  await using fake = await FakeRegistry.start();
  const from = await Layout.create(await scratch());
  await sample(from, 'v1');
  const arrivals: string[] = [];
  const progress = ({ arrival }: { arrival: string }) => void arrivals.push(arrival);
  await copy(from, await open(fake, 'team/one'), 'v1', { tag: 'v1', progress });
  assert.equal(arrivals.filter((arrival) => arrival === 'there').length, 1, 'the layer of the second image');
  arrivals.length = 0;
  await copy(from, await open(fake, 'team/two'), 'v1', { tag: 'v1', mountFrom: 'team/one', progress });
  assert.equal(arrivals.filter((arrival) => arrival === 'mounted').length, 3, 'a layer and two configs');
  const uploads = fake.requests.filter((line) => line.startsWith('PUT /v2/team/two/blobs/uploads/'));
  assert.deepEqual(uploads, []);
});

for (const kind of ['basic', 'bearer'] as const) {
  test(`a ${kind} challenge is answered once: from then on requests bring what it asked for`, async () => {
    await using fake = await FakeRegistry.start({ auth: { kind, username: 'me', password: 'correct-horse' } });
    const registry = await open(fake, 'team/app', login(fake, 'correct-horse'));
    const bytes = randomBytes(1000);
    await put(registry, bytes);
    await put(registry, randomBytes(1000));
    assert.deepEqual(await read(registry.readBlob(blobOf(bytes))), bytes);
    const refused = fake.requests.filter((line) => line.endsWith(' 401'));
    assert.equal(refused.length, 1, fake.requests.join('\n'));
  });

  test(`a wrong password with ${kind} is FORBIDDEN, names the registry and hides the password`, async () => {
    await using fake = await FakeRegistry.start({ auth: { kind, username: 'me', password: 'correct-horse' } });
    const registry = await open(fake, 'team/app', login(fake, 'battery-staple'));
    await assert.rejects(registry.readManifest('v1'), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'FORBIDDEN');
      assert.match(error.message, /HTTP 401/);
      assert.ok(error.message.includes(fake.host));
      return true;
    });
    assert.equal(redact('battery-staple'), '***');
  });
}

test('a token that ran out is renewed', async ({ mock }) => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const auth = { kind: 'bearer', username: 'me', password: 'correct-horse' } as const;
  await using fake = await FakeRegistry.start({ auth });
  const registry = await open(fake, 'team/app', login(fake, 'correct-horse'));
  await put(registry, randomBytes(10));
  mock.timers.tick(301_000);
  await put(registry, randomBytes(10));
  assert.ok(fake.requests.filter((line) => line.startsWith('GET /token')).length >= 2);
});

test('a failed upload goes on with the same session', async () => {
  let failures = 2;
  const intercept: FakeRegistryOptions['intercept'] = (request, response) => {
    if (request.method !== 'PUT' || failures-- <= 0) return false;
    request.resume();
    request.on('end', () => response.writeHead(503).end());
    return true;
  };
  await using fake = await FakeRegistry.start({ intercept });
  const bytes = randomBytes(300_000);
  const registry = await open(fake);
  await put(registry, bytes);
  assert.deepEqual(await read(registry.readBlob(blobOf(bytes))), bytes);
  assert.equal(fake.requests.filter((line) => line.startsWith('POST')).length, 1);
});

test('a source that is not what its descriptor says is not uploaded, and is blamed', async () => {
  await using fake = await FakeRegistry.start();
  const registry = await open(fake);
  const bytes = randomBytes(100);
  const cases: [Descriptor, RegExp][] = [
    [{ ...blobOf(bytes), size: 99 }, /from its source is larger than its 99 bytes/],
    [{ ...blobOf(bytes), size: 101 }, /from its source ended after 100 of 101 bytes/],
    [blobOf(Buffer.from(bytes.toReversed())), /from its source has the digest|cannot upload .*DIGEST_INVALID/],
  ];
  for (const [liar, message] of cases) {
    await assert.rejects(
      registry.writeBlob(liar, () => Readable.from([bytes])),
      message,
    );
    assert.equal(await registry.hasBlob(liar), false, 'and the connection is not poisoned');
  }
});

test('blobs with another digest, a missing end or too much are refused while they are read', async () => {
  const good = Buffer.from('the content that was promised');
  const blob = blobOf(good);
  const cases: [string, Buffer, RegExp][] = [
    ['another digest', Buffer.from('the content that was not here'), /has the digest sha256:/],
    ['a missing end', good.subarray(0, 10), /ended after 10 of 29 bytes/],
    ['too much', Buffer.concat([good, good]), /is larger than its 29 bytes/],
  ];
  for (const [name, bytes, message] of cases) {
    await using fake = await FakeRegistry.start();
    fake.plant('team/app', blob.digest, bytes);
    const registry = await open(fake);
    await assert.rejects(read(registry.readBlob(blob)), message, name);
    const folder = await scratch();
    const layout = await Layout.create(folder);
    await assert.rejects(
      layout.writeBlob(blob, () => registry.readBlob(blob)),
      message,
      name,
    );
    assert.equal(await layout.hasBlob(blob), false, 'nothing was published');
  }
});

test('a connection that breaks in the middle of a blob is an error, not a short blob', async () => {
  const bytes = randomBytes(100_000);
  const intercept: FakeRegistryOptions['intercept'] = (request, response) => {
    if (request.method !== 'GET') return false;
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 50_000), () => response.destroy());
    return true;
  };
  await using fake = await FakeRegistry.start({ intercept });
  const registry = await open(fake);
  await assert.rejects(read(registry.readBlob(blobOf(bytes))), /aborted|ended after/);
});

test('a config that calls itself larger than any is not read', async () => {
  await using fake = await FakeRegistry.start();
  const large = Buffer.alloc(5_000_000);
  fake.plant('team/app', blobOf(large).digest, large);
  await assert.rejects(readSmall(await open(fake), blobOf(large)), /is larger than its 4194304 bytes/);
});

test('hostile manifests are refused: too large, unknown type, no JSON, other digest, bad digests inside', async () => {
  await using fake = await FakeRegistry.start();
  const image = { schemaVersion: 2, mediaType: mediaTypes.manifest, config: {}, layers: [] };
  const plant = (tag: string, type: string, value: unknown) =>
    fake.plantManifest('team/app', tag, type, Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
  plant('large', mediaTypes.manifest, `{"schemaVersion":2,"x":"${'x'.repeat(4 * 1024 * 1024)}"}`);
  plant('type', 'application/vnd.example.v9+json', { ...image, mediaType: 'application/vnd.example.v9+json' });
  plant('html', mediaTypes.manifest, '<html>');
  plant('lies', mediaTypes.index, { ...image, annotations: { a: 'another digest' } });
  plant('v1', mediaTypes.manifest, { ...image, schemaVersion: 1 });
  plant(`sha256:${'0'.repeat(64)}`, mediaTypes.index, { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] });
  const traversal = { mediaType: mediaTypes.config, digest: 'sha256:../../../etc/passwd', size: 1 };
  plant('path', mediaTypes.manifest, { ...image, config: traversal });
  plant('size', mediaTypes.manifest, { ...image, config: { ...blobOf(Buffer.from('a')), size: -1 } });
  const registry = await open(fake);
  const cases: [string, RegExp][] = [
    ['large', /larger than 4194304 bytes/],
    ['type', /media type application\/vnd.example.v9\+json, which is no image manifest/],
    ['html', /is not JSON/],
    ['lies', /calls itself .*manifest.v1\+json but was given as .*index/],
    ['v1', /schemaVersion 1, expected 2/],
    [`sha256:${'0'.repeat(64)}`, /has the digest sha256:/],
    ['path', /no sha256 digest in config/],
    ['size', /no size in config/],
    ['absent', /HTTP 404 \(MANIFEST_UNKNOWN/],
  ];
  for (const [tag, message] of cases) await assert.rejects(registry.readManifest(tag), message, tag);
});

test('credentials stay with the registry when a blob is redirected to another host', async () => {
  const bytes = randomBytes(100);
  let seen: string | undefined = 'not asked';
  await using storage = await FakeRegistry.start({
    intercept: (request, response) => {
      seen = request.headers.authorization;
      response.end(bytes);
      return true;
    },
  });
  await using fake = await FakeRegistry.start({
    auth: { kind: 'basic', username: 'me', password: 'correct-horse' },
    intercept: (request, response) => {
      if (request.headers.authorization === undefined) return false;
      response.writeHead(307, { location: `http://${storage.host}/blob` }).end();
      return true;
    },
  });
  const registry = await open(fake, 'team/app', login(fake, 'correct-horse'));
  assert.deepEqual(await read(registry.readBlob(blobOf(bytes))), bytes);
  assert.equal(seen, undefined);
});

for (const type of ['application/octet-stream', 'text/plain; charset=utf-8', undefined]) {
  test(`a manifest that is given as ${type ?? 'nothing'} is what it calls itself`, async () => {
    const { bytes } = storeManifest({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] });
    let content = bytes;
    await using fake = await FakeRegistry.start({
      intercept(_request, response) {
        response.writeHead(200, type === undefined ? {} : { 'content-type': type }).end(content);
        return true;
      },
    });
    const registry = await open(fake);
    assert.equal((await registry.readManifest('v1')).descriptor.mediaType, mediaTypes.index);
    content = Buffer.from('{"schemaVersion":2,"manifests":[]}');
    await assert.rejects(registry.readManifest('v1'), /has the media type .*, which is no image manifest/);
  });
}

test('a storage service that refuses is named, and nobody is sent to look at credentials', async () => {
  await using storage = await FakeRegistry.start({
    intercept(_request, response) {
      response.writeHead(403, { 'content-type': 'application/xml' }).end('<Code>AccessDenied</Code>');
      return true;
    },
  });
  await using fake = await FakeRegistry.start({ quirks: { storage: storage.host } });
  const bytes = randomBytes(10);
  fake.plant('team/app', blobOf(bytes).digest, bytes);
  await assert.rejects((await open(fake)).readBlob(blobOf(bytes)), (error) => {
    const said = `cannot read ${blobOf(bytes).digest}: ${storage.host}, to which the registry leads, answered HTTP 403`;
    assert.equal(explain(error), `${fake.host}/team/app: ${said} (<Code>AccessDenied</Code>).`);
    return true;
  });
});

test('a registry that leads to what is no address is an error that says so', async () => {
  await using fake = await FakeRegistry.start({
    intercept(request, response) {
      response.writeHead(request.method === 'POST' ? 202 : 307, { location: 'https://[bad' }).end();
      return true;
    },
  });
  const registry = await open(fake);
  const wrong = { code: 'FAILED', message: `${registry.name} leads to "https://[bad": no address` };
  await assert.rejects(registry.readManifest('latest'), wrong);
  await assert.rejects(
    registry.writeStream(mediaTypes.layer, () => Readable.from(['x'])),
    wrong,
  );
});

test('an answer that breaks off in its middle is an outside failure that names what was asked', async () => {
  await using fake = await FakeRegistry.start({
    intercept(_request, response) {
      response.writeHead(200, { 'content-type': mediaTypes.manifest, 'content-length': 1000 });
      response.write('{"half":', () => response.socket?.destroy());
      return true;
    },
  });
  const registry = await open(fake);
  const { name } = registry;
  await assert.rejects(registry.readManifest('v1'), {
    code: 'UNAVAILABLE',
    message: `${name} broke off while v1 was read`,
  });
  const message = `GET http://${fake.host}/v2/team/app/tags/list broke off in the middle of its answer`;
  await assert.rejects(registry.listTags(), { code: 'UNAVAILABLE', message });
});

test('redirects without end are an error', async () => {
  await using fake = await FakeRegistry.start({
    intercept(request, response) {
      response.writeHead(307, { location: request.url }).end();
      return true;
    },
  });
  await assert.rejects((await open(fake)).readManifest('v1'), /cannot read v1: HTTP 307/);
  assert.equal(fake.requests.length, 6);
});

test('credentials stay with the registry when it wants an upload at another host', async () => {
  const bytes = randomBytes(100);
  const seen: (string | undefined)[] = [];
  await using storage = await FakeRegistry.start({
    intercept: (request, response) => {
      seen.push(request.headers.authorization);
      request.resume().once('end', () => response.writeHead(201).end());
      return true;
    },
  });
  await using fake = await FakeRegistry.start({
    auth: { kind: 'basic', username: 'me', password: 'correct-horse' },
    intercept: (request, response) => {
      if (request.method !== 'POST' || request.headers.authorization === undefined) return false;
      response.writeHead(202, { location: `http://${storage.host}/upload` }).end();
      return true;
    },
  });
  await put(await open(fake, 'team/app', login(fake, 'correct-horse')), bytes);
  assert.ok(seen.length > 0 && seen.every((header) => header === undefined), `${seen.length} requests`);
});

test('plain HTTP is for the loopback only, unless asked for', async () => {
  const { isLoopback } = await import('../../runtime/oci/connection.ts');
  const yes = ['localhost', 'localhost:5000', '127.0.0.1:5000', '127.8.8.8', '[::1]:5000', 'registry.localhost'];
  const no = ['ghcr.io', '198.18.255.1:5000', 'localhost.example.com', '127.0.0.1.example.com', '[::2]:5000'];
  for (const host of yes) assert.equal(isLoopback(host), true, host);
  for (const host of no) assert.equal(isLoopback(host), false, host);
});

test('an abort ends a download', async () => {
  const bytes = randomBytes(100);
  await using fake = await FakeRegistry.start({
    intercept: (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write(bytes.subarray(0, 50));
      return true;
    },
  });
  const registry = await open(fake);
  const stop = new AbortController();
  const stream = await registry.readBlob(blobOf(bytes), { signal: stop.signal });
  stop.abort(new Error('enough'));
  await assert.rejects(read(stream), { name: 'AbortError' });
});
