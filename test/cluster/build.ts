import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isFields } from '../../runtime/shape.ts';
import { ClusterError } from './errors.ts';
import { identify, run } from './process.ts';
import { findProgram } from './requirements.ts';
import { dnsVersion, kubernetesVersion, registryVersion, type TektonVersion } from './versions.ts';

/** A Go module of ours under go/, and what is built from it. */
export type GoModule = {
  /** The folder under go/. */
  folder: string;
  /** The folder in the cache's bin. */
  output: string;
  /** `tool` builds the programs that the module's go.mod names as tools. */
  target: '.' | 'tool';
  variables: Record<string, string>;
};

const [major, minor] = kubernetesVersion.slice(1).split('.');
const kubernetesVariables = Object.fromEntries(
  // Tekton refuses an API server that reports no version; kubectl prints its own.
  ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((name) => [
    [`${name}.gitVersion`, kubernetesVersion],
    [`${name}.gitMajor`, major ?? ''],
    [`${name}.gitMinor`, minor ?? ''],
  ]),
);

export const kubeModule: GoModule = {
  folder: 'kube',
  output: `kube-${kubernetesVersion}`,
  target: '.',
  variables: kubernetesVariables,
};
export const registryModule: GoModule = {
  folder: 'registry',
  output: `registry-${registryVersion}`,
  target: '.',
  variables: {},
};
export const dnsModule: GoModule = { folder: 'dns', output: `dns-${dnsVersion}`, target: '.', variables: {} };
export const pauseModule: GoModule = { folder: 'pause', output: 'pause', target: '.', variables: {} };
export const tektonModule = (version: TektonVersion): GoModule => ({
  folder: `tekton-${version}`,
  output: `tekton-v${version}`,
  target: 'tool',
  variables: {},
});

/** Where there is memory to spare, the Go compiler takes a quarter less time if it collects garbage less often. */
const compilerGarbage = totalmem() > 12e9 ? '400' : '100';

const sources = join(import.meta.dirname, 'go');

/** Where a module's programs are, once built. */
export const programsOf = (cache: string, module: GoModule) => join(cache, 'bin', module.output);

/**
 * Makes something once, and again only when what it is made from has changed.
 * @param key tells what it is made from
 * @param make fills the folder; it replaces the old one only when it is complete
 */
export async function cached(folder: string, key: string, make: (folder: string) => Promise<void>): Promise<void> {
  if (await isCached(folder, key)) return;
  // With the pid in it, as two clusters may be built at the same time.
  const draft = `${folder}.new.${process.pid}`;
  await removeOldDrafts(folder);
  await mkdir(draft, { recursive: true });
  await make(draft);
  await writeFile(join(draft, '.made-from'), key);
  await rm(folder, { recursive: true, force: true });
  await rename(draft, folder);
}

async function removeOldDrafts(folder: string): Promise<void> {
  for (const name of await readdir(dirname(folder)).catch(() => [])) {
    const [base, pid] = name.split('.new.');
    if (base !== basename(folder) || pid === undefined) continue;
    if ((await identify(Number(pid))) === undefined) await rm(join(dirname(folder), name), { recursive: true });
  }
}

export const isCached = async (folder: string, key: string) =>
  (await readFile(join(folder, '.made-from'), 'utf8').catch(() => undefined)) === key;

/** A digest of the module's files and of how it is built. */
export async function keyOf(module: GoModule): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([module, process.arch]));
  const folder = join(sources, module.folder);
  for (const name of (await readdir(folder)).sort()) hash.update(name).update(await readFile(join(folder, name)));
  return hash.digest('hex');
}

/**
 * Builds a module's programs, unless they are there.
 * @throws ClusterError where Go is missing or the build fails
 */
export async function build(
  cache: string,
  module: GoModule,
  options: { env: NodeJS.ProcessEnv; signal: AbortSignal; note: (text: string) => void },
): Promise<void> {
  const folder = programsOf(cache, module);
  await cached(folder, await keyOf(module), async (draft) => {
    let downloads = 0;
    let packages = 0;
    const flags = Object.entries(module.variables).map(([name, value]) => `-X ${name}=${value}`);
    await go(
      module,
      [
        ...['build', '-v', '-trimpath', '-buildvcs=false', '-mod=readonly'],
        ...['-ldflags', ['-s', '-w', ...flags].join(' ')],
        ...['-o', `${draft}/`, module.target],
      ],
      options,
      (line) => {
        if (line.startsWith('go: downloading')) downloads += 1;
        else packages += 1;
        options.note(`${downloads} modules downloaded, ${packages} packages compiled`);
      },
    );
  });
}

/** The folder of a module's dependency in Go's module cache; downloaded where it is not there. */
export async function moduleFolder(
  module: GoModule,
  dependency: string,
  options: { env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<string> {
  const found: unknown = JSON.parse(await go(module, ['mod', 'download', '-json', dependency], options));
  if (isFields(found) && typeof found.Dir === 'string') return found.Dir;
  throw new ClusterError(`go mod download names no folder of ${dependency}`);
}

async function go(
  module: GoModule,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; signal: AbortSignal },
  onLine: (line: string) => void = () => {},
): Promise<string> {
  const program = await findProgram('go', options.env);
  if (program === undefined) {
    throw new ClusterError(
      'Go is missing, which builds Kubernetes and Tekton on the first run: install Go 1.26 or newer (https://go.dev/dl) and put it on PATH.',
    );
  }
  return run(program, args, {
    cwd: join(sources, module.folder),
    env: { GOGC: compilerGarbage, ...options.env, CGO_ENABLED: '0', GOWORK: 'off' },
    signal: options.signal,
    onLine,
  });
}
