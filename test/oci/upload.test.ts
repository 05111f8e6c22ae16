import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { explain } from '../../runtime/errors.ts';
import { chunksOf } from '../../runtime/oci/chunks.ts';
import { mediaTypes, storeManifest } from '../../runtime/oci/manifest.ts';
import { parseName } from '../../runtime/oci/name.ts';
import { Registry } from '../../runtime/oci/registry.ts';
import { FakeRegistry, type FakeRegistryOptions } from '../fakes/registry.ts';
import type { Quirks } from '../fakes/registry-quirks.ts';
import { image } from './announce.ts';
import { anonymous, blobOf, Overwritten, put, read } from './helpers.ts';

const open = (fake: FakeRegistry, options: Parameters<typeof Registry.open>[1] = {}) =>
  Registry.open(parseName(`${fake.host}/team/app`), { credentials: anonymous, ...options });

const bytes = randomBytes(6 * 1024 * 1024);

/** In pieces, as files and compressors give them. */
function* pieces(content: Buffer): Generator<Buffer> {
  for (let at = 0; at < content.length; at += 60_000) yield content.subarray(at, at + 60_000);
}

const source = () => Readable.from(pieces(bytes), { objectMode: false });
const lines = (fake: FakeRegistry, method: string) => fake.requests.filter((line) => line.startsWith(`${method} `));

async function sent(
  quirks: Quirks,
  way: 'blob' | 'stream',
  intercept: FakeRegistryOptions['intercept'] = () => false,
): Promise<FakeRegistry> {
  const fake = await FakeRegistry.start({ quirks, intercept });
  const registry = await open(fake);
  if (way === 'blob') await registry.writeBlob(blobOf(bytes), source);
  else {
    const { open: openCopies, written } = new Overwritten(bytes);
    assert.deepEqual(await registry.writeStream(mediaTypes.layer, openCopies, { written }), blobOf(bytes));
  }
  assert.ok(bytes.equals(await read(registry.readBlob(blobOf(bytes)))));
  return fake;
}

test('a blob of an unknown digest goes out in one stream', async () => {
  await using fake = await sent({}, 'stream');
  assert.equal(lines(fake, 'PATCH').length, 1);
  assert.equal(lines(fake, 'PUT').length, 1);
});

test('all buffers of a stream can be used again', async () => {
  await using fake = await FakeRegistry.start();
  const { open: openCopies, written, left } = new Overwritten(bytes);
  await (await open(fake)).writeStream(mediaTypes.layer, openCopies, { written });
  assert.equal(left.size, 0);
});

for (const way of ['blob', 'stream'] as const) {
  test(`a ${way} that breaks twice goes on where the registry stopped`, async () => {
    let opened = 0;
    await using fake = await FakeRegistry.start({ quirks: { cutUploads: { after: 2_000_000, times: 2 } } });
    const registry = await open(fake);
    const again = () => {
      opened += 1;
      return source();
    };
    if (way === 'blob') await registry.writeBlob(blobOf(bytes), again);
    else await registry.writeStream(mediaTypes.layer, again);
    assert.ok(bytes.equals(await read(registry.readBlob(blobOf(bytes)))));
    assert.equal(lines(fake, 'POST').length, 1, 'one upload');
    assert.equal(opened, 3);
  });

  test(`a ${way} whose upload was forgotten starts over`, async () => {
    await using fake = await sent({ cutUploads: { after: 1_000_000, times: 1 }, forgetsUploads: true }, way);
    assert.equal(lines(fake, 'POST').length, 2);
  });

  test(`a ${way} goes through a registry that looks at no Content-Range`, async () => {
    await using fake = await sent({ cutUploads: { after: 1_500_000, times: 1 }, takesAnyOrder: true }, way);
    assert.equal(lines(fake, 'POST').length, 1);
  });

  test(`a ${way} waits as long as a busy registry says`, async () => {
    const times: number[] = [];
    const intercept = ({ method = '' }: { method?: string | undefined }) => {
      if (['PATCH', 'PUT'].includes(method)) times.push(performance.now());
      return false;
    };
    await using _ = await sent({ busy: 1, retryAfter: 1 }, way, intercept);
    const [first = 0, second = 0] = times;
    assert.ok(second - first >= 990, `${second - first} ms`);
  });
}

test('a registry that is busy for ever is given up, with what to do', async () => {
  await using fake = await FakeRegistry.start({ quirks: { busy: 99 } });
  await assert.rejects(put(await open(fake), randomBytes(10)), (error) => {
    assert.match(explain(error), /HTTP 429 \(TOOMANYREQUESTS: slow down\).*log in, or use a mirror/);
    return true;
  });
  assert.equal(fake.requests.filter((line) => line.endsWith(' 429')).length, 5);
});

test('an upload that was continued with what a registry has spoilt is sent again from its beginning', async () => {
  const quirks = { cutUploads: { after: 1_000_000, times: 1 }, spoilsUploads: true };
  await using fake = await sent(quirks, 'blob');
  assert.equal(lines(fake, 'PUT').filter((line) => line.endsWith(' 400')).length, 1);
});

test('a registry that has lost a chunk is sent it again', async () => {
  await using fake = await sent({ bodyLimit: 4 * 1024 * 1024, needsLength: true, losesChunks: 1 }, 'stream');
  assert.equal(lines(fake, 'POST').length, 1);
  assert.equal(lines(fake, 'PATCH').filter((line) => line.endsWith(' 416')).length, 1);
});

test('a stream gets through GHCR, which breaks off a stream and takes at most 4 MiB with a length', async () => {
  await using fake = await sent({ patchLimit: 4 * 1024 * 1024, cutUploads: { after: 100_000, times: 1 } }, 'stream');
  assert.equal(fake.requests.filter((line) => line.endsWith(' 416')).length, 1, 'then it is known');
  assert.equal(lines(fake, 'PATCH').filter((line) => line.endsWith(' 202')).length, 2);
});

for (const way of ['blob', 'stream'] as const) {
  test(`a ${way} whose chunk breaks with more to come goes on where the registry stopped`, async () => {
    let chunks = 0;
    const intercept: FakeRegistryOptions['intercept'] = ({ method, headers }, response) => {
      const isSecond = method === 'PATCH' && headers['content-length'] === '1048576' && ++chunks === 2;
      if (isSecond) response.destroy();
      return isSecond;
    };
    await using fake = await sent({ bodyLimit: 1024 * 1024, needsLength: true }, way, intercept);
    assert.ok(chunks > 6, `${chunks} chunks`);
    assert.equal(lines(fake, 'POST').length, 1, 'one upload');
  });
}

for (const method of ['PATCH', 'PUT']) {
  test(`an upload whose session is gone at its ${method}, in whatever words, starts over`, async () => {
    let lost = 0;
    const intercept: FakeRegistryOptions['intercept'] = async (request, response) => {
      if (request.method !== method || request.url?.includes('/uploads/') !== true || lost === 2) return false;
      lost += 1;
      for await (const _ of request);
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>');
      return true;
    };
    await using fake = await sent({}, 'stream', intercept);
    assert.equal(lines(fake, 'POST').length, 3);
  });
}

test('an address of an upload may be relative to the one before', async () => {
  await using fake = await sent({ locate: (path) => path.slice(path.lastIndexOf('/') + 1) }, 'stream');
  assert.equal(lines(fake, 'POST').length, 1);
});

test('a limit of one request, of the registry or a proxy, is found and kept for the next blob', async () => {
  await using fake = await FakeRegistry.start({ quirks: { bodyLimit: 1024 * 1024 } });
  const registry = await open(fake);
  await registry.writeBlob(blobOf(bytes), source);
  const refused = () => fake.requests.filter((line) => line.endsWith(' 413')).length;
  const before = refused();
  assert.ok(before > 0 && before <= 2, String(before));
  const other = randomBytes(3 * 1024 * 1024);
  await put(registry, other);
  assert.equal(refused(), before);
  assert.ok(other.equals(await read(registry.readBlob(blobOf(other)))));
});

test('a limit that is too small for anything is named with what to do', async () => {
  await using fake = await FakeRegistry.start({ quirks: { bodyLimit: 1000 } });
  await assert.rejects((await open(fake)).writeBlob(blobOf(bytes), source), (error) => {
    assert.match(explain(error), /in requests of 524288 bytes: HTTP 413 .*client_max_body_size/);
    return true;
  });
});

test('chunks are never shorter than a registry wants them, and Amazon ECR may answer 201', async () => {
  const mebibyte = 1024 * 1024;
  const quirks: Quirks = { chunkMinimum: 5 * mebibyte, bodyLimit: 8 * mebibyte, needsLength: true };
  await using fake = await FakeRegistry.start({ quirks });
  const large = randomBytes(18 * mebibyte);
  const registry = await open(fake);
  assert.deepEqual(await registry.writeStream(mediaTypes.layer, () => Readable.from([large])), blobOf(large));
  assert.equal(lines(fake, 'PATCH').filter((line) => line.endsWith(' 416')).length, 0);
  assert.equal(lines(fake, 'PATCH').filter((line) => line.endsWith(' 202')).length, 3);
  await using ecr = await FakeRegistry.start({ quirks: { ecr: true, cutUploads: { after: 9, times: 1 } } });
  ecr.create('team/app');
  await (await open(ecr)).writeBlob(blobOf(bytes), source);
});

test('a repository that must be created first is named', async () => {
  await using fake = await FakeRegistry.start({ quirks: { ecr: true } });
  await assert.rejects(put(await open(fake), bytes), (error) => {
    assert.match(
      explain(error),
      /NAME_UNKNOWN: The repository with name 'team\/app'.*has no repository team\/app: create it first/,
    );
    return true;
  });
});

for (const answer of [202, 401, 403, 404, 405] as const) {
  test(`a mount that is answered with ${answer} becomes an upload`, async () => {
    await using fake = await FakeRegistry.start({ quirks: { mountAnswer: answer } });
    const registry = await open(fake);
    assert.equal(await registry.writeBlob(blobOf(bytes), source, { mountFrom: 'team/other' }), 'sent');
    assert.equal(lines(fake, 'POST').length, answer === 202 ? 1 : 2, 'a 202 is an upload already');
  });
}

test('a manifest that Quay does not take is an error that says what it takes', async () => {
  await using fake = await FakeRegistry.start({ quirks: { refusesArtifacts: true } });
  const registry = await open(fake);
  const config = Buffer.from('{}');
  await put(registry, config);
  const manifest = storeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: 'application/vnd.example',
    config: blobOf(config),
    layers: [],
  });
  await assert.rejects(registry.writeManifest(manifest, 'v1'), { status: 415, hint: /push a plain image with gzip/ });
});

for (const lateBlobs of [3, 99]) {
  test(`a manifest whose blobs are not seen ${lateBlobs === 3 ? 'at once is written again' : 'for long is an error'}`, async () => {
    await using fake = await FakeRegistry.start({ quirks: { lateBlobs } });
    const registry = await open(fake);
    const written = registry.writeManifest(await image(registry), 'v1');
    if (lateBlobs === 3) await written;
    else await assert.rejects(written, { status: 404, message: /MANIFEST_BLOB_UNKNOWN/ });
    assert.equal(lines(fake, 'PUT').filter((line) => line.includes('/manifests/')).length, lateBlobs === 3 ? 4 : 5);
  });
}

test('a token that ends in the middle of a long upload is renewed, and nothing is sent twice', async () => {
  const auth = { kind: 'bearer', username: 'me', password: 'correct-horse' } as const;
  await using fake = await FakeRegistry.start({ auth, quirks: { bodyLimit: 4 * 1024 * 1024, needsLength: true } });
  const registry = await open(fake, {
    credentials: () => ({ kind: 'basic', username: 'me', password: 'correct-horse' }),
  });
  await put(registry, randomBytes(10));
  let revoked = false;
  const slow = () =>
    Readable.from(
      (function* () {
        for (const piece of pieces(bytes)) {
          // Behind the first chunk: its PATCH was allowed, the next is not.
          const stored = lines(fake, 'PATCH').some((line) => line.endsWith(' 202'));
          if (stored && !revoked) {
            revoked = true;
            fake.auth.revoke();
          }
          yield piece;
        }
      })(),
      { objectMode: false },
    );
  await registry.writeStream(mediaTypes.layer, slow);
  assert.ok(revoked);
  assert.ok(bytes.equals(await read(registry.readBlob(blobOf(bytes)))));
  const posts = lines(fake, 'POST').filter((line) => line.endsWith(' 202'));
  assert.equal(posts.length, 2, 'one for each blob');
});

test('a token that a registry takes back before a stream costs only the stream', async () => {
  const auth = { kind: 'bearer', username: 'me', password: 'correct-horse' } as const;
  await using fake = await FakeRegistry.start({ auth });
  const registry = await open(fake, {
    credentials: () => ({ kind: 'basic', username: 'me', password: 'correct-horse' }),
  });
  let opened = 0;
  const revoking = () => {
    opened += 1;
    if (opened === 1) fake.auth.revoke();
    return source();
  };
  await registry.writeStream(mediaTypes.layer, revoking);
  assert.equal(opened, 2);
  assert.ok(bytes.equals(await read(registry.readBlob(blobOf(bytes)))));
});

test('an upload is given up when the signal says so, with its reason', async () => {
  const stop = new AbortController();
  await using fake = await FakeRegistry.start();
  const registry = await open(fake);
  const endless = () =>
    Readable.from(
      (async function* () {
        for (let count = 0; ; count++) {
          if (count === 5) stop.abort(new Error('enough'));
          yield randomBytes(1000);
          await new Promise((resolve) => setImmediate(resolve));
        }
      })(),
      { objectMode: false },
    );
  await assert.rejects(registry.writeStream(mediaTypes.layer, endless, { signal: stop.signal }), /enough/);
});

test('a stream whose source breaks fails with the reason of the source, and leaves no upload', async () => {
  await using fake = await FakeRegistry.start();
  const registry = await open(fake);
  const broken = () =>
    Readable.from(
      (async function* () {
        yield randomBytes(1000);
        throw new Error('the disk is gone');
      })(),
      { objectMode: false },
    );
  await assert.rejects(registry.writeStream(mediaTypes.layer, broken), /the disk is gone/);
  assert.equal(lines(fake, 'DELETE').length, 1);
});

test('chunks are cut exactly, whatever comes in', async () => {
  const content = randomBytes(1000);
  const stream = () => Readable.from([content.subarray(0, 3), content.subarray(3, 900), content.subarray(900)]);
  for (const [skip, size] of [
    [0, 100],
    [0, 1000],
    [0, 5000],
    [250, 100],
    [999, 7],
    [1000, 7],
  ] as const) {
    const got: Buffer[] = [];
    let done = 0;
    const count = ({ length }: Buffer) => {
      done += length;
    };
    for await (const chunk of chunksOf(stream(), skip, size, count)) got.push(chunk);
    assert.deepEqual(Buffer.concat(got), content.subarray(skip));
    assert.equal(done, content.length, 'each buffer is told of once');
    assert.ok(got.slice(0, -1).every((chunk) => chunk.length === size) && got.every((chunk) => chunk.length > 0));
  }
});
