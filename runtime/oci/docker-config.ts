import { invalid } from '../errors.ts';
import { anonymous, basicCredential, type Credential, tokenCredential } from './credential.ts';
import { askHelper } from './credential-helper.ts';
import { isRecord } from './manifest.ts';

/** Docker Hub's key in a config and for helpers, from the time of its first version. */
const hubKey = 'https://index.docker.io/v1/';

/** A docker config or containers-auth.json, read. Helpers are asked only for what is looked up. */
export interface DockerConfig {
  find(registry: string, repository: string, signal?: AbortSignal): Promise<Credential>;
}

/**
 * Reads a docker config's text: `auths`, `credHelpers`, `credsStore` (docker's config.json; containers-auth.json(5)).
 * For a repository the entry with the longest path prefix counts, then the host's, then the store.
 *
 * @throws SubpipeError `INVALID` that names the file and the field.
 */
export function readDockerConfig(text: string, source: string, env: NodeJS.ProcessEnv = process.env): DockerConfig {
  const value = parse(text, source);
  const entries = readAuths(value.auths, source);
  const helpers = readHelpers(value.credHelpers, source);
  const store = value.credsStore;
  if (store !== undefined && typeof store !== 'string')
    throw invalid(`${source}: expected "credsStore" to be a string`);
  return {
    async find(registry, repository, signal) {
      for (const key of prefixes(registry, repository)) {
        const helper = helpers.get(key);
        if (helper !== undefined) {
          const where = `${source}: credHelpers["${helper.key}"]`;
          const found = await askHelper(helper.name, helper.key, where, env, { signal });
          if (found.kind !== 'anonymous') return found;
        }
        const found = entries.get(key);
        if (found !== undefined) return found;
      }
      if (store === undefined || store === '') return anonymous;
      return askHelper(store, registry === 'docker.io' ? hubKey : registry, `${source}: credsStore`, env, { signal });
    },
  };
}

/** `host/a/b`, `host/a`, `host`. */
function prefixes(registry: string, repository: string): string[] {
  const parts = [registry, ...repository.split('/')];
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('/'));
}

function parse(text: string, source: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // No cause: it would quote the file, which has secrets.
    throw invalid(`${source} is not JSON`);
  }
  if (!isRecord(value)) throw invalid(`${source} is not a docker config: expected an object with "auths"`);
  return value;
}

function readAuths(value: unknown, source: string): Map<string, Credential> {
  const entries = new Map<string, Credential>();
  for (const [key, entry] of Object.entries(isRecord(value) ? value : {})) {
    const credential = isRecord(entry) ? credentialOf(entry, `${source}: auths["${key}"]`) : anonymous;
    // An empty entry is how docker notes that a helper knows more.
    if (credential.kind !== 'anonymous') entries.set(normalKey(key), credential);
  }
  return entries;
}

function readHelpers(value: unknown, source: string): Map<string, { name: string; key: string }> {
  const helpers = new Map<string, { name: string; key: string }>();
  for (const [key, name] of Object.entries(isRecord(value) ? value : {})) {
    if (typeof name !== 'string') throw invalid(`${source}: expected credHelpers["${key}"] to be a string`);
    if (name !== '') helpers.set(normalKey(key), { name, key });
  }
  return helpers;
}

function credentialOf(entry: Record<string, unknown>, where: string): Credential {
  if (typeof entry.registrytoken === 'string' && entry.registrytoken !== '') {
    return tokenCredential('bearer', entry.registrytoken, where);
  }
  if (typeof entry.identitytoken === 'string' && entry.identitytoken !== '') {
    return tokenCredential('identity', entry.identitytoken, where);
  }
  let { username, password } = entry;
  if (typeof entry.auth === 'string' && entry.auth !== '') {
    const [user, ...rest] = Buffer.from(entry.auth, 'base64').toString('utf8').split(':');
    if (rest.length === 0) throw invalid(`${where}: expected "auth" to be base64 of USER:PASSWORD`);
    username = user;
    // Some writers pad the password with NULs.
    password = rest.join(':').replace(/\0+$/, '');
  }
  if (typeof username !== 'string' || typeof password !== 'string' || password === '') return anonymous;
  return basicCredential(username, password, where);
}

/** `https://index.docker.io/v1/` and `docker.io` are one place; a scheme and `/v1/`, `/v2/` say nothing. */
function normalKey(key: string): string {
  const plain = key.replace(/^https?:\/\//, '').replace(/(\/v[12])?\/*$/, '');
  const [host = '', ...path] = plain.split('/');
  const lower = host.toLowerCase();
  return [['index.docker.io', 'registry-1.docker.io'].includes(lower) ? 'docker.io' : lower, ...path].join('/');
}
