import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from '../../runtime/http.ts';
import { build, type GoModule, programsOf, registryModule } from '../cluster/build.ts';
import { settingsFrom } from '../cluster/settings.ts';

/** Registries that are built from their Go modules, once, into the same cache as the test cluster's programs. */
export const registries = {
  'Distribution 3': { module: registryModule, program: 'registry' },
  'Distribution 2': { module: goModule('distribution-2', '.'), program: 'distribution-2' },
  crane: { module: goModule('crane', 'tool'), program: 'crane' },
} as const;

export type RegistryName = keyof typeof registries;

function goModule(name: string, target: '.' | 'tool'): GoModule {
  return { folder: `../../oci/go/${name}`, output: `test-${name}`, target, variables: {} };
}

/** Builds a registry's program. Needs Go, and minutes the first time. */
export async function buildRegistry(name: RegistryName): Promise<string> {
  const { cache } = settingsFrom(process.env);
  const { module, program } = registries[name];
  await build(cache, module, { env: process.env, signal: AbortSignal.timeout(600_000), note: () => {} });
  return join(programsOf(cache, module), program);
}

export interface RunningRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  host: string;
}

/** Starts a registry of its own on a free port, with deletion, its files in a folder that goes with it. */
export async function startRegistry(name: RegistryName): Promise<RunningRegistry> {
  const program = await buildRegistry(name);
  const folder = await mkdtemp(join(tmpdir(), 'subpipe-test-'));
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const config = {
    version: 0.1,
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { addr: host },
  };
  const path = join(folder, 'config.yaml');
  // JSON is YAML.
  await writeFile(path, JSON.stringify(config));
  const args = name === 'crane' ? ['registry', 'serve', '--address', host] : ['serve', path];
  const env = { ...process.env, OTEL_TRACES_EXPORTER: 'none' };
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'ignore'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await answering(host);
  return {
    host,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answering(host: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const response = await request({ url: `http://${host}/v2/`, retry: false }).catch(() => undefined);
    if (response !== undefined) {
      await response.text();
      return;
    }
    if (attempt > 300) throw new Error(`the registry at ${host} does not answer`);
    await sleep(100);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
