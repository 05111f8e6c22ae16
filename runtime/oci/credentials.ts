import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { invalid } from '../errors.ts';
import { anonymous, type Credentials } from './credential.ts';
import { type DockerConfig, readDockerConfig } from './docker-config.ts';
import { isRecord } from './manifest.ts';

export type { Credential, Credentials } from './credential.ts';

/** Where Tekton's entrypoint puts what the service account's Secrets say, before it copies it to `HOME`. */
const tektonFolder = '/tekton/creds';

/**
 * Finds credentials where the tools of containers keep them. `REGISTRY_AUTH_FILE` names the only file. Without it, in
 * this order, the first file that knows the repository counts:
 *
 * 1. the folder `DOCKER_CONFIG`, a docker config or a mounted Secret: `config.json` or `.dockerconfigjson`;
 *    without the variable `~/.docker/config.json`
 * 2. `$XDG_RUNTIME_DIR/containers/auth.json` and `~/.config/containers/auth.json` (podman, buildah, skopeo)
 * 3. `/tekton/creds/.docker/config.json`: what Tekton made of the service account's Secrets
 *
 * A file that is not there is passed over, but for `REGISTRY_AUTH_FILE`.
 *
 * @throws SubpipeError `INVALID` when a file is no docker config.
 */
export async function loadCredentials(
  env: NodeJS.ProcessEnv = process.env,
  options: { tektonFolder?: string } = {},
): Promise<Credentials> {
  const only = env.REGISTRY_AUTH_FILE || undefined;
  const configs: DockerConfig[] = [];
  for (const path of only === undefined ? searched(env, options.tektonFolder ?? tektonFolder) : [only]) {
    const text = await readIfThere(path, only !== undefined);
    if (text !== undefined) configs.push(readDockerConfig(text, path, env));
  }
  return async (registry, repository, signal) => {
    for (const config of configs) {
      const found = await config.find(registry, repository, signal);
      if (found.kind !== 'anonymous') return found;
    }
    return anonymous;
  };
}

/** Credentials from a docker config's text alone. The entry with the longest path prefix wins, then the host's. */
export function parseCredentials(text: string, source: string): Credentials {
  const config = readDockerConfig(text, source);
  return (registry, repository, signal) => config.find(registry, repository, signal);
}

function searched(env: NodeJS.ProcessEnv, tekton: string): string[] {
  const home = env.HOME || homedir();
  const docker = env.DOCKER_CONFIG
    ? [join(env.DOCKER_CONFIG, 'config.json'), join(env.DOCKER_CONFIG, '.dockerconfigjson')]
    : [join(home, '.docker', 'config.json')];
  const runtime = env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'containers', 'auth.json')] : [];
  const podman = join(env.XDG_CONFIG_HOME || join(home, '.config'), 'containers', 'auth.json');
  return [...docker, ...runtime, podman, join(tekton, '.docker', 'config.json')];
}

async function readIfThere(path: string, named: boolean): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    // A DOCKER_CONFIG folder may hold only contexts and plugins: that is no mistake.
    const absent = isRecord(cause) && ['ENOENT', 'EACCES', 'ENOTDIR'].includes(String(cause.code));
    if (absent && !named) return undefined;
    throw invalid(named ? `REGISTRY_AUTH_FILE names ${path}, which cannot be read` : `${path} cannot be read`, {
      cause,
    });
  }
}
