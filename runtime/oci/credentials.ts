import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { invalid } from '../errors.ts';
import { addSecret } from '../redact.ts';
import { isRecord } from './manifest.ts';

/** What proves who we are to a registry. */
export type Credential = { kind: 'anonymous' } | { kind: 'basic'; username: string; password: string };

/** Gives the credential for a repository. Helpers and identity tokens fit behind it (issue: OCI workspaces). */
export type Credentials = (registry: string, repository: string) => Credential;

const anonymous: Credential = { kind: 'anonymous' };

/**
 * Reads the docker config: the file that `REGISTRY_AUTH_FILE` names, else `config.json` in `DOCKER_CONFIG`, else
 * `~/.docker/config.json`. A file that was named must be there; the one in the home folder need not.
 *
 * @throws SubpipeError `INVALID` when it is no JSON object with `auths`.
 */
export async function loadCredentials(env: NodeJS.ProcessEnv = process.env): Promise<Credentials> {
  const named = env.REGISTRY_AUTH_FILE || (env.DOCKER_CONFIG ? join(env.DOCKER_CONFIG, 'config.json') : undefined);
  const path = named ?? join(env.HOME || homedir(), '.docker', 'config.json');
  try {
    return parseCredentials(await readFile(path, 'utf8'), path);
  } catch (error) {
    // A DOCKER_CONFIG folder may hold only contexts and plugins: that is no mistake.
    const absent = isRecord(error) && (error.code === 'ENOENT' || error.code === 'EACCES');
    if (absent && !env.REGISTRY_AUTH_FILE) return () => anonymous;
    throw absent ? invalid(`REGISTRY_AUTH_FILE names ${path}, which cannot be read`, { cause: error }) : error;
  }
}

/** Credentials from a docker config's text. The entry with the longest path prefix wins, then the host's. */
export function parseCredentials(text: string, source: string): Credentials {
  const auths = readAuths(text, source);
  const entries = new Map<string, Credential>();
  for (const [key, entry] of Object.entries(auths)) {
    const credential = isRecord(entry) ? credentialOf(entry, `${source}: auths["${key}"]`) : anonymous;
    if (credential.kind !== 'anonymous') entries.set(normalKey(key), credential);
  }
  return (registry, repository) => {
    const parts = repository.split('/');
    for (let length = parts.length; length >= 0; length--) {
      const found = entries.get([registry, ...parts.slice(0, length)].join('/'));
      if (found !== undefined) return found;
    }
    return anonymous;
  };
}

function readAuths(text: string, source: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(`${source} is not JSON`, { cause });
  }
  if (!isRecord(value)) throw invalid(`${source} is not a docker config: expected an object with "auths"`);
  return isRecord(value.auths) ? value.auths : {};
}

function credentialOf(entry: Record<string, unknown>, where: string): Credential {
  let { username, password } = entry;
  if (typeof entry.auth === 'string' && entry.auth !== '') {
    const [user, ...rest] = Buffer.from(entry.auth, 'base64').toString('utf8').split(':');
    if (rest.length === 0) throw invalid(`${where}: expected "auth" to be base64 of USER:PASSWORD`);
    username = user;
    // Some writers pad the password with NULs.
    password = rest.join(':').replace(/\0+$/, '');
  }
  if (typeof username !== 'string' || typeof password !== 'string' || password === '') return anonymous;
  addSecret(password);
  addSecret(Buffer.from(`${username}:${password}`).toString('base64'));
  return { kind: 'basic', username, password };
}

/** `https://index.docker.io/v1/` and `docker.io` are one place; a scheme and `/v1/`, `/v2/` say nothing. */
function normalKey(key: string): string {
  const plain = key.replace(/^https?:\/\//, '').replace(/(\/v[12])?\/*$/, '');
  const [host = '', ...path] = plain.split('/');
  const lower = host.toLowerCase();
  return [['index.docker.io', 'registry-1.docker.io'].includes(lower) ? 'docker.io' : lower, ...path].join('/');
}
