import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseChallenges } from '../../runtime/oci/challenge.ts';
import { askHelper } from '../../runtime/oci/credential-helper.ts';
import { type Credentials, loadCredentials, parseCredentials } from '../../runtime/oci/credentials.ts';
import { readDockerConfig } from '../../runtime/oci/docker-config.ts';
import { redact } from '../../runtime/redact.ts';

const nowhere = { tektonFolder: '/nonexistent' };
const basic = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
const config = (auths: Record<string, unknown>) => parseCredentials(JSON.stringify({ auths }), 'config.json');
const who = async (credentials: Credentials, registry: string, repository: string) => {
  const found = await credentials(registry, repository);
  return found.kind === 'basic' ? found.username : found.kind;
};

test('the longest path prefix wins, then the host, then nobody', async () => {
  const credentials = config({
    'ghcr.io': basic('host:password'),
    'ghcr.io/team': basic('team:password'),
    'ghcr.io/team/app': basic('app:password'),
  });
  assert.equal(await who(credentials, 'ghcr.io', 'team/app'), 'app');
  assert.equal(await who(credentials, 'ghcr.io', 'team/app/part'), 'app');
  assert.equal(await who(credentials, 'ghcr.io', 'team/application'), 'team');
  assert.equal(await who(credentials, 'ghcr.io', 'other/app'), 'host');
  assert.equal(await who(credentials, 'quay.io', 'team/app'), 'anonymous');
});

test("Docker Hub's old address, schemes and v1 paths mean the same host", async () => {
  const credentials = config({
    'https://index.docker.io/v1/': basic('hub:password'),
    'https://quay.io/v2/': { username: 'quay', password: 'a:b:c' },
  });
  assert.equal(await who(credentials, 'docker.io', 'library/debian'), 'hub');
  assert.deepEqual(await credentials('quay.io', 'x'), {
    kind: 'basic',
    username: 'quay',
    password: 'a:b:c',
    from: 'config.json: auths["https://quay.io/v2/"]',
  });
});

test('REGISTRY_AUTH_FILE comes before DOCKER_CONFIG before the home folder', async () => {
  const home = await mkdtemp(join(tmpdir(), 'subpipe-test-'));
  const write = (path: string, user: string) =>
    writeFile(path, JSON.stringify({ auths: { 'ghcr.io': basic(`${user}:password`) } }));
  await write(join(home, 'config.json'), 'docker');
  await write(join(home, 'auth.json'), 'file');
  const env = { HOME: join(home, 'nothing'), DOCKER_CONFIG: home, REGISTRY_AUTH_FILE: join(home, 'auth.json') };
  assert.equal(await who(await loadCredentials(env, nowhere), 'ghcr.io', 'a'), 'file');
  assert.equal(await who(await loadCredentials({ ...env, REGISTRY_AUTH_FILE: '' }, nowhere), 'ghcr.io', 'a'), 'docker');
  assert.equal(await who(await loadCredentials({ HOME: env.HOME }, nowhere), 'ghcr.io', 'a'), 'anonymous');
  const file = await loadCredentials({ HOME: env.HOME, DOCKER_CONFIG: join(home, 'config.json') }, nowhere);
  assert.equal(await who(file, 'ghcr.io', 'a'), 'anonymous', 'a DOCKER_CONFIG that is no folder has no file');
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

test('files are searched in order, and the first that knows the repository counts', async () => {
  const root = await mkdtemp(join(tmpdir(), 'subpipe-test-'));
  const write = async (path: string, auths: Record<string, unknown>) => {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), JSON.stringify({ auths }));
  };
  await write('docker/.dockerconfigjson', { 'a.example': basic('secret:password') });
  await write('run/containers/auth.json', {
    'a.example': basic('runtime:password'),
    'b.example/x': basic('x:password'),
  });
  await write('home/.config/containers/auth.json', { 'c.example': basic('podman:password') });
  await write('home/.docker/config.json', { 'a.example': basic('home:password') });
  await write('tekton/.docker/config.json', {
    'b.example': basic('tekton:password'),
    'd.example': basic('d:password'),
  });
  const options = { tektonFolder: join(root, 'tekton') };
  const env = { HOME: join(root, 'home'), XDG_RUNTIME_DIR: join(root, 'run') };
  const mounted = await loadCredentials({ ...env, DOCKER_CONFIG: join(root, 'docker') }, options);
  assert.equal(await who(mounted, 'a.example', 'x'), 'secret', 'a Secret of type dockerconfigjson as a folder');
  const plain = await loadCredentials(env, options);
  assert.equal(await who(plain, 'a.example', 'x'), 'home');
  assert.equal(await who(plain, 'b.example', 'x/y'), 'x');
  assert.equal(await who(plain, 'b.example', 'z'), 'tekton');
  assert.equal(await who(plain, 'c.example', 'z'), 'podman');
  assert.equal(await who(plain, 'd.example', 'z'), 'd');
});

test('identity tokens and registry tokens are read', async () => {
  const credentials = config({
    'a.example': { identitytoken: 'refresh-me', auth: '' },
    'b.example': { registrytoken: 'as-it-is' },
  });
  assert.deepEqual(await credentials('a.example', 'x'), {
    kind: 'identity',
    token: 'refresh-me',
    from: 'config.json: auths["a.example"]',
  });
  assert.equal(await who(credentials, 'b.example', 'x'), 'bearer');
  assert.equal(redact('refresh-me as-it-is'), '*** ***');
});

/** A folder with the program docker-credential-NAME; what it is asked goes to the file `asked`. */
async function helper(name: string, script: string): Promise<{ PATH: string; asked: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'subpipe-test-'));
  const asked = join(folder, 'asked');
  const text = `#!/bin/sh\n[ "$1" = get ] || exit 9\nserver=$(cat)\necho "$server" >>${asked}\n${script}\n`;
  await writeFile(join(folder, `docker-credential-${name}`), text, { mode: 0o755 });
  return { PATH: `${folder}:${process.env.PATH}`, asked };
}

test('credential helpers are asked on stdin, for their registry; the store for the others', async () => {
  const one = await helper('one', 'echo "{\\"Username\\":\\"helped\\",\\"Secret\\":\\"from-helper\\"}"');
  const store = await helper('store', 'echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"from-store\\"}"');
  const env = { PATH: `${one.PATH}:${store.PATH}` };
  const text = JSON.stringify({
    auths: { 'ghcr.io': {}, 'quay.io': basic('written:password') },
    credHelpers: { 'ecr.example': 'one', 'quay.io/team': 'one' },
    credsStore: 'store',
  });
  const found = readDockerConfig(text, 'config.json', env);
  assert.deepEqual(await found.find('quay.io', 'team/app/part'), {
    kind: 'basic',
    username: 'helped',
    password: 'from-helper',
    from: 'config.json: credHelpers["quay.io/team"]: docker-credential-one',
  });
  assert.deepEqual(await found.find('ecr.example', 'a/b'), {
    kind: 'basic',
    username: 'helped',
    password: 'from-helper',
    from: 'config.json: credHelpers["ecr.example"]: docker-credential-one',
  });
  assert.equal((await found.find('ghcr.io', 'a')).kind, 'identity');
  await found.find('docker.io', 'library/debian');
  assert.equal((await found.find('quay.io', 'a')).kind, 'basic', 'what the file has needs no store');
  assert.equal(await readFile(one.asked, 'utf8'), 'quay.io/team\necr.example\n');
  assert.equal(await readFile(store.asked, 'utf8'), 'ghcr.io\nhttps://index.docker.io/v1/\n');
  assert.equal(redact('from-helper from-store'), '*** ***');
});

test('a helper that knows nothing is anonymous; one that is missing, fails or rambles is named', async () => {
  const find = async (name: string, script: string | undefined) => {
    const { PATH } = script === undefined ? { PATH: '/nonexistent' } : await helper(name, script);
    return readDockerConfig(JSON.stringify({ credsStore: name }), 'config.json', { PATH }).find('a.example', 'x');
  };
  const nothing = 'echo "credentials not found in native keychain"; exit 1';
  assert.equal((await find('empty', nothing)).kind, 'anonymous');
  const { PATH } = await helper('empty', nothing);
  const both = JSON.stringify({ auths: { 'a.example': basic('written:x') }, credHelpers: { 'a.example/x': 'empty' } });
  const written = await readDockerConfig(both, 'config.json', { PATH }).find('a.example', 'x');
  assert.equal(written.kind, 'basic', 'what a helper does not know, the file may');
  await assert.rejects(find('absent', undefined), /credsStore names the credential helper docker-credential-absent/);
  await assert.rejects(find('broken', 'echo "the vault is sealed" >&2; exit 1'), /ended with 1: the vault is sealed/);
  await assert.rejects(find('rambles', 'echo "topsecret"'), (error: Error) => {
    assert.match(error.message, /docker-credential-rambles answered without JSON/);
    assert.equal(error.cause, undefined, 'a cause would quote the answer');
    return true;
  });
  const answers = 'echo "{\\"Username\\":\\"u\\",\\"Secret\\":\\"topsecret\\"}"; exit 3';
  await assert.rejects(find('leaks', answers), /ended with 3: it said nothing$/);
  await assert.rejects(find('endless', 'exec yes'), /answered with more than 1048576 bytes/);
  await assert.rejects(find('../evil', undefined), /which is no name of a program/);
});

test('a docker config that is a folder, as a mount without its Secret is, is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'subpipe-test-'));
  await mkdir(join(folder, 'config.json'));
  const loaded = loadCredentials({ HOME: folder, DOCKER_CONFIG: folder }, nowhere);
  await assert.rejects(loaded, { code: 'INVALID', message: `${folder}/config.json cannot be read` });
});

test('a helper is ended when the signal says so, with its reason', async () => {
  const { PATH, asked } = await helper('waits', 'exec sleep 50');
  const stop = new AbortController();
  const config = readDockerConfig(JSON.stringify({ credsStore: 'waits' }), 'config.json', { PATH });
  const found = config.find('a.example', 'x', stop.signal);
  while (!existsSync(asked)) await sleep(5);
  const reason = new Error('no more');
  stop.abort(reason);
  await assert.rejects(found, (error) => error === reason);
  await assert.rejects(config.find('a.example', 'x', stop.signal), (error) => error === reason);
});

test('a helper that gives no answer is ended, also where what it has started goes on', async () => {
  const { PATH } = await helper('slow', 'sleep 20 & echo $! >"$PIDS"; sleep 20');
  const pids = join(await mkdtemp(join(tmpdir(), 'subpipe-test-')), 'pids');
  const asked = askHelper('slow', 'a.example', 'config.json', { PATH, PIDS: pids }, { patienceMs: 1500 });
  await assert.rejects(asked, /docker-credential-slow get for a\.example gave no answer within 1\.5 s/);
  process.kill(Number(await readFile(pids, 'utf8')));
});
