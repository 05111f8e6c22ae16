import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../../runtime/oci/digest.ts';
import { parseName } from '../../runtime/oci/name.ts';
import { Registry } from '../../runtime/oci/registry.ts';
import { FakeRegistry, type FakeRegistryOptions } from '../fakes/registry.ts';
import { selfSigned } from '../support/certificate.ts';
import { anonymous, blobOf, put, read, scratch } from './helpers.ts';

const certificate = selfSigned();
const retry = { attempts: 1, baseMs: 1, capMs: 1 };
const auth = { kind: 'bearer', username: 'me', password: 'correct-horse' } as const;
const credentials = () => ({ kind: 'basic', username: 'me', password: 'correct-horse' }) as const;

const open = (fake: FakeRegistry, options: Parameters<typeof Registry.open>[1] = {}) =>
  Registry.open(parseName(`${fake.host}/team/app`), { credentials: anonymous, retry, ...options });

/** A registry with TLS, and what lets a client trust it. */
async function secure(options: FakeRegistryOptions = {}): Promise<{ fake: FakeRegistry; caFile: string }> {
  const caFile = join(await scratch(), 'ca.crt');
  await writeFile(caFile, certificate.cert);
  return { fake: await FakeRegistry.start({ certificate, ...options }), caFile };
}

test('a registry with a CA of its own works with caFile; without it the error says what to do', async () => {
  const { fake, caFile } = await secure();
  await using _ = fake;
  const bytes = randomBytes(100);
  fake.plant('team/app', digestOf(bytes), bytes);
  const trusted = await open(fake, { plainHttp: false, caFile });
  assert.deepEqual(await read(trusted.readBlob(blobOf(bytes))), bytes);
  const untrusted = await open(fake, { plainHttp: false });
  await assert.rejects(untrusted.readBlob(blobOf(bytes)), { hint: /Name the file with its CA certificate/ });
  const plain = await open(fake, { plainHttp: true });
  await assert.rejects(plain.readBlob(blobOf(bytes)), { hint: /may speak HTTPS only/ });
  await writeFile(caFile, 'no certificate');
  await assert.rejects(open(fake, { caFile }), /ca.crt has no certificate: expected PEM/);
});

test('TLS with a plain HTTP port is explained', async () => {
  await using fake = await FakeRegistry.start();
  const registry = await open(fake, { plainHttp: false });
  await assert.rejects(registry.readManifest('v1'), {
    hint: /does not speak TLS: .*allow plain HTTP \(insecure or oci-insecure: 127\.0\.0\.1:\d+\)/,
  });
});

test('the token server of a registry with a CA of its own is trusted by the same file', async () => {
  const { fake, caFile } = await secure({ auth });
  await using _ = fake;
  const registry = await open(fake, { plainHttp: false, caFile, credentials });
  const bytes = randomBytes(100);
  await put(registry, bytes);
  assert.deepEqual(await read(registry.readBlob(blobOf(bytes))), bytes);
});

test('a password is not sent to a token server without TLS, whatever a registry with TLS says', async () => {
  await using listener = await FakeRegistry.start();
  const { fake, caFile } = await secure({
    intercept(_request, response) {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${listener.host}/token"` }).end();
      return true;
    },
  });
  await using _ = fake;
  const registry = await open(fake, { plainHttp: false, caFile, credentials });
  await assert.rejects(registry.readManifest('v1'), /names the token server http:.*, expected an https address/);
  assert.deepEqual(listener.requests, []);
});

test('an upload leaves TLS for no other host; a registry behind a proxy that ends TLS may call itself http', async () => {
  await using elsewhere = await FakeRegistry.start();
  const quirks = { locate: (path: string) => `http://${elsewhere.host}${path}` };
  const { fake, caFile } = await secure({ quirks });
  await using _ = fake;
  const registry = await open(fake, { plainHttp: false, caFile });
  const bytes = randomBytes(100);
  await assert.rejects(put(registry, bytes), /leads to 127\.0\.0\.1:\d+ without TLS/);
  assert.deepEqual(elsewhere.requests, []);
  quirks.locate = (path) => `http://${fake.host}${path}`;
  await put(registry, bytes);
  assert.deepEqual(await read(registry.readBlob(blobOf(bytes))), bytes);
});

test('what is read with TLS is read at no other host without, but at one that is said to speak no TLS', async () => {
  await using elsewhere = await FakeRegistry.start();
  const bytes = randomBytes(100);
  await put(await open(elsewhere), bytes);
  elsewhere.requests.length = 0;
  const { fake, caFile } = await secure({
    intercept(request, response) {
      response.writeHead(307, { location: `http://${elsewhere.host}${request.url}?signature=1` }).end();
      return true;
    },
  });
  await using _ = fake;
  const registry = await open(fake, { plainHttp: false, caFile });
  const wrong = { code: 'FAILED', message: `${fake.host}/team/app leads to ${elsewhere.host} without TLS` };
  await assert.rejects(registry.readManifest('v1'), wrong);
  await assert.rejects(registry.readBlob(blobOf(bytes)), wrong);
  assert.deepEqual(elsewhere.requests, []);
  const named = await open(fake, { plainHttp: false, caFile, insecure: [elsewhere.host] });
  assert.deepEqual(await read(named.readBlob(blobOf(bytes))), bytes);
});
