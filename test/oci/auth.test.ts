import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { explain } from '../../runtime/errors.ts';
import { type Credentials, parseCredentials } from '../../runtime/oci/credentials.ts';
import { digestOf } from '../../runtime/oci/digest.ts';
import { parseName } from '../../runtime/oci/name.ts';
import { Registry } from '../../runtime/oci/registry.ts';
import { redact } from '../../runtime/redact.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { anonymous, blobOf, put, read } from './helpers.ts';

const auth = { kind: 'bearer', username: 'me', password: 'correct-horse' } as const;
const basic = (password: string): Credentials =>
  parseCredentials(JSON.stringify({ auths: { '127.0.0.1': { username: 'me', password } } }), 'config.json');
/** Whatever the port, the entry of the host. */
const login =
  (password = 'correct-horse'): Credentials =>
  (_registry, repository) =>
    basic(password)('127.0.0.1', repository);
const open = (fake: FakeRegistry, options: Parameters<typeof Registry.open>[1] = {}) =>
  Registry.open(parseName(`${fake.host}/team/app`), { credentials: anonymous, ...options });

const tokens = (fake: FakeRegistry) => fake.requests.filter((line) => / \/token/.test(line));
const refused = (fake: FakeRegistry) => fake.requests.filter((line) => line.endsWith(' 401'));

test('an identity token is changed for an access token by POST, and never sent to the registry', async () => {
  await using fake = await FakeRegistry.start({ auth: { ...auth, identityToken: 'refresh-token-1' } });
  const registry = await open(fake, { credentials: () => ({ kind: 'identity', token: 'refresh-token-1' }) });
  const bytes = randomBytes(100);
  await put(registry, bytes);
  assert.deepEqual(await read(registry.readBlob(blobOf(bytes))), bytes);
  assert.deepEqual(
    tokens(fake).map((line) => line.split('?')[0]),
    ['POST /token 200', 'POST /token 200'],
  );
  assert.ok(fake.authorizations.every((header) => !header.includes('refresh-token-1')));
});

test('a registry token is sent as it is, and a refused one is an error with its place', async () => {
  let seen: string | undefined;
  await using fake = await FakeRegistry.start({
    auth,
    intercept: (request) => {
      seen = request.headers.authorization;
      return false;
    },
  });
  const credentials: Credentials = () => ({ kind: 'bearer', token: 'as-it-is-1', from: 'config.json: auths["x"]' });
  const registry = await open(fake, { credentials });
  await assert.rejects(registry.readManifest('v1'), (error) => {
    assert.match(explain(error), /HTTP 401 .*asked as the registry token \(config.json: auths\["x"\]\)/);
    return true;
  });
  assert.equal(seen, 'Bearer as-it-is-1');
});

test('wrong credentials are no obstacle to what is public, and are told about; pushing with them fails', async () => {
  await using fake = await FakeRegistry.start({ auth: { ...auth, public: true } });
  const bytes = randomBytes(100);
  fake.plant('team/app', digestOf(bytes), bytes);
  const warnings: string[] = [];
  const registry = await open(fake, {
    credentials: login('battery-staple'),
    warn: (sentence) => void warnings.push(sentence),
  });
  assert.deepEqual(await read(registry.readBlob(blobOf(bytes))), bytes);
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0] ?? '',
    /refused user "me" \(config.json: auths\["127.0.0.1"\]\): going on without credentials/,
  );
  const asked = fake.requests.length;
  await assert.rejects(put(registry, randomBytes(10)), { code: 'FORBIDDEN' });
  const pushing = fake.authorizations.filter((_, i) => i >= asked && /token.*push/.test(fake.requests[i] ?? ''));
  assert.ok(pushing.length > 0 && !pushing.includes(''), 'nobody pushes without credentials');
});

test('a token is renewed before it runs out, so that no request is sent to be refused', async ({ mock }) => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  await using fake = await FakeRegistry.start({ auth, tokenLifetime: 300 });
  const registry = await open(fake, { credentials: login() });
  await put(registry, randomBytes(10));
  const before = tokens(fake).length;
  for (const header of new Set(fake.authorizations)) assert.match(redact(header), /^(?:(?:Basic|Bearer) \*\*\*)?$/);
  mock.timers.tick(280_000);
  await put(registry, randomBytes(10));
  assert.equal(tokens(fake).length, before, 'it is good for a while');
  mock.timers.tick(15_000);
  await put(registry, randomBytes(10));
  assert.equal(refused(fake).length, 1, fake.requests.join('\n'));
  assert.equal(tokens(fake).length, before + 1);
});

test('a token that the registry no longer takes is replaced', async () => {
  await using fake = await FakeRegistry.start({ auth });
  const registry = await open(fake, { credentials: login() });
  await put(registry, randomBytes(10));
  fake.auth.revoke();
  await put(registry, randomBytes(10));
  assert.equal(refused(fake).length, 2);
});

test('uploads side by side ask for one token', async ({ mock }) => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  await using fake = await FakeRegistry.start({ auth });
  const registry = await open(fake, { credentials: login() });
  await put(registry, randomBytes(10));
  const before = tokens(fake).length;
  mock.timers.tick(295_000);
  await Promise.all([1, 2, 3, 4].map(() => put(registry, randomBytes(10))));
  assert.equal(tokens(fake).length, before + 1, 'for four uploads');
});

test('a mount asks for a token that is good for both repositories', async () => {
  await using fake = await FakeRegistry.start({ auth });
  const bytes = randomBytes(100);
  fake.plant('team/other', digestOf(bytes), bytes);
  const registry = await open(fake, { credentials: login() });
  const unsent = () => assert.fail('nothing is to be sent');
  assert.equal(await registry.writeBlob(blobOf(bytes), unsent, { mountFrom: 'team/other' }), 'mounted');
});

test('a token server that gives nothing for two repositories is no reason not to upload', async () => {
  await using fake = await FakeRegistry.start({ auth: { ...auth, oneRepository: true } });
  const registry = await open(fake, { credentials: login() });
  const bytes = randomBytes(100);
  const { Readable } = await import('node:stream');
  const arrival = await registry.writeBlob(blobOf(bytes), () => Readable.from([bytes]), { mountFrom: 'team/other' });
  assert.equal(arrival, 'sent');
});
