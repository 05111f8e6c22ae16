import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { buildImages } from '../../../images/build-images.ts';
import { parseImageFlags } from '../../../images/flags.ts';
import { ownPlatform, platforms } from '../../../images/platform.ts';
import { cacheFolder } from '../../../images/project.ts';
import { pushImages } from '../../../images/push.ts';
import { invalid, SubpipeError } from '../../../runtime/errors.ts';
import { imagePrefix } from '../../../runtime/image.ts';
import { version } from '../../../runtime/version.ts';
import { busyboxImage } from '../../cluster/names.ts';
import { registryOf } from '../../cluster/network.ts';
import { filesOf, settingsFrom } from '../../cluster/settings.ts';

/** A cluster to run on, and the images it can pull. */
export interface Ready {
  kubeconfig: string;
  /** The steps' images are `PREFIX/NAME:TAG`. */
  imagePrefix: string;
  imageTag: string;
  /** An image with a POSIX shell. */
  shellImage: string;
  /** Whether the cluster is the project's own: then `kubectl` is in `.cache/bin`. */
  ownCluster: boolean;
}

/**
 * A cluster with the steps' images: the one that KUBECONFIG names, with SUBPIPE_IMAGE_PREFIX, SUBPIPE_IMAGE_TAG (default:
 * the released images) and SUBPIPE_SHELL_IMAGE; or else the project's own, brought up, with images of this working tree.
 * Progress is shown on standard error.
 *
 * @throws SubpipeError `FAILED` where the cluster cannot be brought up; it has said why.
 */
export async function ready(env: NodeJS.ProcessEnv = process.env, signal?: AbortSignal): Promise<Ready> {
  if (env.KUBECONFIG !== undefined && env.KUBECONFIG !== '') {
    return {
      kubeconfig: env.KUBECONFIG,
      imagePrefix: env.SUBPIPE_IMAGE_PREFIX || imagePrefix,
      imageTag: env.SUBPIPE_IMAGE_TAG || `v${version}`,
      shellImage: env.SUBPIPE_SHELL_IMAGE || 'docker.io/library/busybox:1.36',
      ownCluster: env.SUBPIPE_OWN_CLUSTER === 'true',
    };
  }
  await clusterUp(env, signal);
  const settings = settingsFrom(env);
  const prefix = `${registryOf(settings.network)}/subpipe`;
  return {
    kubeconfig: filesOf(settings.state).kubeconfig,
    imagePrefix: prefix,
    imageTag: await buildAndPush(prefix, env, signal),
    shellImage: busyboxImage,
    ownCluster: true,
  };
}

/** SUBPIPE_TEKTON names the version of Tekton on the project's own cluster, such as 1.12.1. */
function tektonFlag({ SUBPIPE_TEKTON: version }: NodeJS.ProcessEnv): string[] {
  return version === undefined || version === '' ? [] : ['--tekton', version];
}

/** As a process of its own: it handles Ctrl-C by itself, and cleans up after it. */
async function clusterUp(env: NodeJS.ProcessEnv, signal: AbortSignal | undefined): Promise<void> {
  const command = path.join(import.meta.dirname, '../../cluster/main.ts');
  const child = spawn(process.execPath, [command, 'up', ...tektonFlag(env)], {
    env,
    stdio: ['ignore', process.stderr, 'inherit'],
  });
  const stop = (): void => void child.kill('SIGTERM');
  signal?.addEventListener('abort', stop, { once: true });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  signal?.removeEventListener('abort', stop);
  if (signal?.aborted === true) throw signal.reason;
  if (code !== 0) throw new SubpipeError('FAILED', "the project's own cluster is not up");
}

/**
 * Builds the steps' images and pushes them to PREFIX. Their tag follows from their content: a node that has pulled a tag
 * does not ask for it again, so that a tag of a fixed name would go on running yesterday's code.
 * @returns the tag
 */
async function buildAndPush(prefix: string, env: NodeJS.ProcessEnv, signal: AbortSignal | undefined): Promise<string> {
  const platform = ownPlatform();
  if (platform === undefined)
    throw invalid('there are images for linux/amd64 and linux/arm64 only, not for this machine');
  const base = await baseFor(platforms[platform].architecture);
  const flags = await parseImageFlags(
    ['--base', base, '--platform', platform, '--output', path.join(cacheFolder, 'e2e-images'), '--tag', 'dev'],
    env,
  );
  if (flags === 'help') throw new TypeError('no help was asked for');
  const { layout, images } = await buildImages(flags, signal === undefined ? {} : { signal });
  const digests = images.map(({ name, descriptor }) => `${name} ${descriptor.digest}`).join('\n');
  const tag = `dev-${createHash('sha256').update(digests).digest('hex').slice(0, 12)}`;
  await pushImages(layout, images, { prefix, tag, plainHttp: true, ...(signal === undefined ? {} : { signal }) });
  return tag;
}

/** The base that is in the cache already, or `debian`, which makes it. */
async function baseFor(tag: string): Promise<string> {
  const folder = path.join(cacheFolder, 'base');
  const index = await readFile(path.join(folder, 'index.json'), 'utf8').catch(() => '');
  return index.includes(`"org.opencontainers.image.ref.name":"${tag}"`) ? `oci:${folder}:${tag}` : 'debian';
}
