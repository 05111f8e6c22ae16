import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { RegistryOptions } from '../../runtime/oci/connection.ts';
import type { Registries } from '../../runtime/workspace/reference.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { selfSigned } from '../support/certificate.ts';
import { makeFolder } from '../support/folder.ts';
import { serve } from '../support/http-server.ts';
import { blobOf } from './helpers.ts';

const runtime = join(import.meta.dirname, '../../runtime');
const bytes = randomBytes(100_000);
const blob = blobOf(bytes);

/** A process of its own, as proxies and CAs are read from the environment of a process. */
const program = `
  import { parseName } from '${runtime}/oci/name.ts';
  import { Registry } from '${runtime}/oci/registry.ts';
  import { openPlace } from '${runtime}/workspace/reference.ts';
  const [name, blob, text] = process.argv.slice(1);
  const { registries, ...own } = JSON.parse(text);
  const credentials = () => ({ kind: 'basic', username: 'me', password: 'correct-horse' });
  const options = { credentials, retry: { attempts: 1, baseMs: 1, capMs: 1 } };
  const { target } = registries === undefined
    ? { target: await Registry.open(parseName(name), { ...options, ...own }) }
    : await openPlace(name, { ...options, ...registries });
  let size = 0;
  for await (const chunk of await target.readBlob(JSON.parse(blob))) size += chunk.length;
  process.stdout.write(String(size));
`;

/** How many bytes of the blob come. Fails where they cannot be read. */
async function read(
  name: string,
  options: RegistryOptions | { registries: Registries },
  env: Record<string, string>,
): Promise<number> {
  const args = ['--input-type=module', '-e', program, name, JSON.stringify(blob), JSON.stringify(options)];
  const all = { ...process.env, NO_PROXY: '', ...env };
  return Number((await promisify(execFile)(process.execPath, args, { env: all })).stdout);
}

async function registryWith(certificate?: ReturnType<typeof selfSigned>): Promise<FakeRegistry> {
  const fake = await FakeRegistry.start(certificate === undefined ? {} : { certificate });
  fake.plant('team/app', blob.digest, bytes);
  return fake;
}

test('a registry is reached through the proxy of the environment, and NO_PROXY goes past it', async () => {
  await using fake = await registryWith();
  await using proxy = await serve((_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  });
  const env = { HTTP_PROXY: proxy.url };
  assert.equal(await read('registry.example:5000/team/app', { plainHttp: true }, env), bytes.length);
  assert.equal(proxy.seen[0]?.url, `http://registry.example:5000/v2/team/app/blobs/${blob.digest}`);
  assert.equal(proxy.seen[0]?.headers.authorization, undefined, 'no credentials before the registry asks for them');
  assert.equal(await read(`${fake.host}/team/app`, {}, { ...env, NO_PROXY: '127.0.0.1' }), bytes.length);
  assert.equal(proxy.seen.length, 1);
});

test('a registry with TLS and a CA of its own is reached by a tunnel through the proxy', async () => {
  const certificate = selfSigned();
  await using fake = await registryWith(certificate);
  await using folder = await makeFolder({ 'ca.crt': certificate.cert });
  await using proxy = await serve((_request, response) => response.writeHead(500).end());
  const asked: (string | undefined)[] = [];
  proxy.server.on('connect', async (request, client: Socket) => {
    asked.push(request.url);
    const upstream = connect(Number(fake.host.split(':')[1]), '127.0.0.1');
    await once(upstream, 'connect');
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
    client.pipe(upstream).pipe(client);
  });
  const name = `localhost:${fake.host.split(':')[1]}`;
  const options = { plainHttp: false, caFile: `${folder.path}/ca.crt` };
  assert.equal(await read(`${name}/team/app`, options, { HTTPS_PROXY: proxy.url }), bytes.length);
  assert.deepEqual(asked, [name]);
  assert.deepEqual(proxy.seen, [], 'nothing goes through the proxy without TLS');
});

test('a CA file counts beside those of SSL_CERT_FILE', async () => {
  const certificate = selfSigned();
  await using fake = await registryWith(certificate);
  await using folder = await makeFolder({ 'usual.crt': certificate.cert, 'other.crt': selfSigned().cert });
  const options = { plainHttp: false, caFile: `${folder.path}/other.crt` };
  const name = `${fake.host}/team/app`;
  assert.equal(await read(name, options, { SSL_CERT_FILE: `${folder.path}/usual.crt` }), bytes.length);
  assert.equal(await read(name, options, { NODE_EXTRA_CA_CERTS: `${folder.path}/usual.crt` }), bytes.length);
  await assert.rejects(read(name, options, {}), /self-signed certificate/);
});

test('HTTP without TLS is spoken with a host that is not this machine only where --insecure names it', async () => {
  await using proxy = await serve((_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  });
  const tunnels: (string | undefined)[] = [];
  proxy.server.on('connect', (request, client: Socket) => {
    tunnels.push(request.url);
    client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  const env = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url };
  const name = 'registry.example:5000/team/app';
  for (const insecure of [[], ['registry.example'], ['other.example:5000']]) {
    await assert.rejects(read(name, { registries: { insecure } }, env));
    assert.equal(tunnels.pop(), 'registry.example:5000');
  }
  assert.deepEqual(proxy.seen, []);
  for (const insecure of [['registry.example:5000'], ['true']]) {
    assert.equal(await read(name, { registries: { insecure } }, env), bytes.length);
  }
  assert.deepEqual(tunnels, []);
});
