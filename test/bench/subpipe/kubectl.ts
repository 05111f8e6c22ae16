import { join } from 'node:path';
import { invalid } from '../../../runtime/errors.ts';
import { cached, keyOf, kubeModule } from '../../cluster/build.ts';
import { run } from '../../cluster/process.ts';
import { findProgram } from '../../cluster/requirements.ts';
import { settingsFrom } from '../../cluster/settings.ts';
import { kubernetesVersion } from '../../cluster/versions.ts';

/**
 * Builds a kubectl of its own, once. The test cluster's is part of one program with all of Kubernetes, which starts half
 * as fast and takes twice the memory: no fair peer.
 *
 * @returns its file, linked statically.
 * @throws SubpipeError `INVALID` where Go is missing.
 */
export async function buildKubectl(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string> {
  const folder = join(settingsFrom(env).cache, `bin/kubectl-${kubernetesVersion}`);
  const source = join(import.meta.dirname, '../../cluster/go', kubeModule.folder);
  await cached(folder, await keyOf(kubeModule), async (draft) => {
    const go = await findProgram('go', env);
    if (go === undefined) throw invalid('Go is missing, which builds the kubectl that the bench compares with');
    const flags = Object.entries(kubeModule.variables).map(([name, value]) => `-X ${name}=${value}`);
    const args = [
      'build',
      '-trimpath',
      '-buildvcs=false',
      '-mod=readonly',
      '-ldflags',
      ['-s', '-w', ...flags].join(' '),
    ];
    await run(go, [...args, '-o', `${draft}/kubectl`, 'k8s.io/kubernetes/cmd/kubectl'], {
      cwd: source,
      env: { ...env, CGO_ENABLED: '0', GOWORK: 'off' },
      signal,
    });
  });
  return join(folder, 'kubectl');
}
