import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseChallenges } from '../../runtime/oci/auth.ts';
import { loadCredentials, parseCredentials } from '../../runtime/oci/credentials.ts';

const basic = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
const config = (auths: Record<string, unknown>) => parseCredentials(JSON.stringify({ auths }), 'config.json');
const who = (credentials: ReturnType<typeof config>, registry: string, repository: string) => {
  const found = credentials(registry, repository);
  return found.kind === 'basic' ? found.username : found.kind;
};

test('the longest path prefix wins, then the host, then nobody', () => {
  const credentials = config({
    'ghcr.io': basic('host:password'),
    'ghcr.io/team': basic('team:password'),
    'ghcr.io/team/app': basic('app:password'),
  });
  assert.equal(who(credentials, 'ghcr.io', 'team/app'), 'app');
  assert.equal(who(credentials, 'ghcr.io', 'team/app/part'), 'app');
  assert.equal(who(credentials, 'ghcr.io', 'team/application'), 'team');
  assert.equal(who(credentials, 'ghcr.io', 'other/app'), 'host');
  assert.equal(who(credentials, 'quay.io', 'team/app'), 'anonymous');
});

test("Docker Hub's old address, schemes and v1 paths mean the same host", () => {
  const credentials = config({
    'https://index.docker.io/v1/': basic('hub:password'),
    'https://quay.io/v2/': { username: 'quay', password: 'a:b:c' },
  });
  assert.equal(who(credentials, 'docker.io', 'library/debian'), 'hub');
  assert.deepEqual(credentials('quay.io', 'x'), { kind: 'basic', username: 'quay', password: 'a:b:c' });
});

test('REGISTRY_AUTH_FILE comes before DOCKER_CONFIG before the home folder', async () => {
  const home = await mkdtemp(join(tmpdir(), 'subpipe-test-'));
  const write = (path: string, user: string) =>
    writeFile(path, JSON.stringify({ auths: { 'ghcr.io': basic(`${user}:password`) } }));
  await write(join(home, 'config.json'), 'docker');
  await write(join(home, 'auth.json'), 'file');
  const env = { HOME: join(home, 'nothing'), DOCKER_CONFIG: home, REGISTRY_AUTH_FILE: join(home, 'auth.json') };
  assert.equal(who(await loadCredentials(env), 'ghcr.io', 'a'), 'file');
  assert.equal(who(await loadCredentials({ ...env, REGISTRY_AUTH_FILE: '' }), 'ghcr.io', 'a'), 'docker');
  assert.equal(who(await loadCredentials({ HOME: env.HOME }), 'ghcr.io', 'a'), 'anonymous');
  await assert.rejects(
    loadCredentials({ REGISTRY_AUTH_FILE: join(home, 'absent') }),
    /REGISTRY_AUTH_FILE names .*absent/,
  );
});

test('a broken config names the file and what was expected', () => {
  assert.throws(() => parseCredentials('{', 'config.json'), /config.json is not JSON/);
  assert.throws(() => config({ 'ghcr.io': { auth: '****' } }), /auths\["ghcr.io"\]: expected "auth" to be base64/);
});

test('challenges are read with quotes, commas and several schemes in one header', () => {
  assert.deepEqual(
    parseChallenges('Bearer realm="https://a/t",service="s, x",scope="repository:a:pull,push", Basic realm="b"'),
    [
      { scheme: 'bearer', params: { realm: 'https://a/t', service: 's, x', scope: 'repository:a:pull,push' } },
      { scheme: 'basic', params: { realm: 'b' } },
    ],
  );
  assert.deepEqual(parseChallenges(''), []);
});
