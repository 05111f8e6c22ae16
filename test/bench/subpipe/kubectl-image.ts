import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyBase, fetchBase } from '../../../images/base.ts';
import { composeImage } from '../../../images/compose.ts';
import { ownPlatform } from '../../../images/platform.ts';
import type { Entry } from '../../../runtime/archive/layer/entry.ts';
import { writeLayer } from '../../../runtime/archive/layer/layer.ts';
import { invalid } from '../../../runtime/errors.ts';
import { copy } from '../../../runtime/oci/copy.ts';
import { Layout } from '../../../runtime/oci/layout.ts';
import { parseName } from '../../../runtime/oci/name.ts';
import { Registry } from '../../../runtime/oci/registry.ts';
import { findProgram } from '../../cluster/requirements.ts';
import type { BenchCluster } from './cluster.ts';

const applets = ['sh', 'sleep', 'grep'];

/**
 * Builds the peer's image, a shell and kubectl, with our own code and pushes it beside the steps' images, where it stays:
 * the next run finds it there.
 *
 * @returns its name for pods.
 */
export async function pushKubectlImage(cluster: BenchCluster, env: NodeJS.ProcessEnv): Promise<string> {
  const { ownCluster, imagePrefix, imageTag, kubectl, shellImage, signal } = cluster;
  const platform = ownPlatform();
  if (platform === undefined) throw invalid('kubectl can be built for linux/amd64 and linux/arm64 only');
  const folder = await mkdtemp(join(tmpdir(), 'subpipe-bench-'));
  try {
    const layout = await Layout.create(folder);
    // The own cluster's shell image is in its nodes only: its shell is this machine's.
    const entries = [await program('usr/bin/kubectl', kubectl), ...(ownCluster ? await shell(env) : [])];
    const base = ownCluster
      ? emptyBase(platform)
      : await fetchBase(shellImage, platform, layout, { plainHttp: false, signal });
    const compression = { kind: 'gzip', level: 1 } as const;
    const layer = await layout.addBlob((sink) => writeLayer(entries, sink, { compression, signal }));
    const { digest } = await composeImage(layout, {
      base,
      layers: [{ ...layer, createdBy: 'subpipe: the peer of the bench' }],
      created: 0,
      run: { Env: ['PATH=/usr/local/bin:/usr/bin:/bin'] },
      annotations: {},
    });
    const name = `${imagePrefix}/bench-kubectl`;
    const registry = await Registry.open(parseName(name), ownCluster ? { plainHttp: true } : {});
    await copy(layout, registry, digest, { tag: imageTag, signal });
    return `${name}@${digest}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function shell(env: NodeJS.ProcessEnv): Promise<Entry[]> {
  const busybox = await findProgram('busybox', env);
  if (busybox === undefined) throw invalid('busybox-static is missing, which is the shell of the own cluster');
  const links = applets.map((name): Entry => ({ type: 'symlink', path: `bin/${name}`, target: 'busybox' }));
  return [await program('bin/busybox', busybox), ...links];
}

async function program(path: string, file: string): Promise<Entry> {
  return { type: 'file', path, mode: 0o755, size: (await stat(file)).size, open: () => createReadStream(file) };
}
