import { mkdir, rm, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build, dnsModule, kubeModule, programsOf, registryModule } from './build.ts';
import { ClusterError } from './errors.ts';
import { buildBaseImages, buildTekton } from './images.ts';
import { registryOf, serverOf } from './network.ts';
import type { Progress } from './progress.ts';
import { type ClusterRecord, readRecord } from './record.ts';
import { destroySandbox } from './sandbox.ts';
import { filesOf, type Settings } from './settings.ts';
import { startCluster } from './start.ts';
import { clearState, prepareState } from './state.ts';
import { isHealthy } from './status.ts';
import type { TektonOptions } from './tekton.ts';
import type { TektonVersion } from './versions.ts';

export type UpOptions = { tekton: TektonVersion; options: TektonOptions };

/**
 * Makes the cluster be up: builds what is not built, cleans up after a crash, starts it and waits until it is ready.
 * @throws ClusterError where it fails, after all that was started has been ended again
 */
export async function up(
  settings: Settings,
  wanted: UpOptions,
  env: NodeJS.ProcessEnv,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const before = await readRecord(filesOf(settings.state).record);
  if (before !== undefined && (await isHealthy(settings, before))) {
    if (!isSame(before, wanted)) {
      throw new ClusterError(
        `A cluster with Tekton ${before.tekton} and other options is up already: run "npm run cluster -- down" first.`,
      );
    }
    progress.say(`The cluster is up already.\n${summaryOf(settings, before)}`);
    return;
  }
  if (before !== undefined) {
    await progress.stage('cleaned up after the last run', () => destroySandbox(settings, before.init));
  } else {
    await destroySandbox(settings, undefined);
  }
  await clearState(settings.state);
  await buildAll(settings, wanted.tekton, env, progress, signal);
  await prepareState(settings.state);
  const record: ClusterRecord = {
    phase: 'starting',
    tekton: wanted.tekton,
    options: wanted.options,
    started: new Date().toISOString(),
    components: {},
  };
  try {
    await startCluster(settings, record, progress, signal);
  } catch (error) {
    await progress.stage('ending what was started', async () => {
      await destroySandbox(settings, record.init);
      await clearState(settings.state);
    });
    throw error;
  }
  progress.say(summaryOf(settings, record));
}

async function buildAll(
  { cache }: Settings,
  tekton: TektonVersion,
  env: NodeJS.ProcessEnv,
  progress: Progress,
  outer: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([outer, failed.signal]);
  const stage = async (name: string, work: (note: (text: string) => void) => Promise<void>) => {
    try {
      await progress.stage(name, work);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  };
  // Side by side: one downloads or links, which keeps one processor busy at most, while another one compiles.
  const results = await Promise.allSettled([
    stage('Kubernetes built', (note) => build(cache, kubeModule, { env, signal, note })),
    stage(`Tekton ${tekton} built`, (note) => buildTekton(cache, tekton, { env, signal, note })),
    stage('registry, name server and base images built', async (note) => {
      await build(cache, registryModule, { env, signal, note });
      await build(cache, dnsModule, { env, signal, note });
      await buildBaseImages(cache, { env, signal, note });
    }),
  ]);
  if (results.some(({ status }) => status === 'rejected')) throw failed.signal.reason;
  await linkKubectl(cache);
}

/** `.cache/bin/kubectl`, for people, examples and tests on machines that have none. */
async function linkKubectl(cache: string): Promise<void> {
  const folder = join(cache, 'bin');
  await mkdir(folder, { recursive: true });
  await rm(join(folder, 'kubectl'), { force: true });
  await symlink(relative(folder, join(programsOf(cache, kubeModule), 'kube')), join(folder, 'kubectl'));
}

const isSame = (record: ClusterRecord, { tekton, options }: UpOptions) =>
  record.tekton === tekton && JSON.stringify(record.options) === JSON.stringify(options);

function summaryOf({ cache, state, network }: Settings, record: ClusterRecord): string {
  return [
    `Kubernetes and Tekton ${record.tekton} are ready at ${serverOf(network)}, a registry at ${registryOf(network)}.`,
    `export KUBECONFIG=${filesOf(state).kubeconfig}`,
    `export PATH=${join(cache, 'bin')}:$PATH    # kubectl, if this machine has none`,
  ].join('\n');
}
