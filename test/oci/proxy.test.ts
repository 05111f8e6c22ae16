import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { FakeRegistry } from '../fakes/registry.ts';
import { serve } from '../support/http-server.ts';
import { blobOf } from './helpers.ts';

const runtime = join(import.meta.dirname, '../../runtime/oci');

/** A process of its own, as proxies are read from the environment of a process. */
const program = `
  import { parseName } from '${runtime}/name.ts';
  import { Registry } from '${runtime}/registry.ts';
  const [name, blob] = process.argv.slice(1);
  const credentials = () => ({ kind: 'basic', username: 'me', password: 'correct-horse' });
  const registry = await Registry.open(parseName(name), { plainHttp: true, credentials });
  let size = 0;
  for await (const chunk of await registry.readBlob(JSON.parse(blob))) size += chunk.length;
  process.stdout.write(String(size));
`;

test('a registry is reached through the proxy of the environment, and NO_PROXY goes past it', async () => {
  const bytes = randomBytes(100_000);
  await using fake = await FakeRegistry.start();
  fake.plant('team/app', blobOf(bytes).digest, bytes);
  await using proxy = await serve((_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  });
  const run = async (name: string, env: NodeJS.ProcessEnv) => {
    const args = ['--input-type=module', '-e', program, name, JSON.stringify(blobOf(bytes))];
    return (await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })).stdout;
  };
  const through = { HTTP_PROXY: proxy.url, NO_PROXY: '' };
  assert.equal(await run('registry.example:5000/team/app', through), String(bytes.length));
  assert.equal(proxy.seen[0]?.url, `http://registry.example:5000/v2/team/app/blobs/${blobOf(bytes).digest}`);
  assert.equal(proxy.seen[0]?.headers.authorization, undefined, 'no credentials before the registry asks for them');
  assert.equal(await run(`${fake.host}/team/app`, { ...through, NO_PROXY: '127.0.0.1' }), String(bytes.length));
  assert.equal(proxy.seen.length, 1);
});
