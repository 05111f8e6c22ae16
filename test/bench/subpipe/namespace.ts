import { randomBytes } from 'node:crypto';
import { hasCode } from '../../../runtime/errors.ts';
import type { KubeObject } from '../../../runtime/kube/resource.ts';
import { rbacOf, stepActionOf, taskOf } from '../../../runtime/manifest.ts';
import { pause } from '../../../runtime/retry.ts';
import { steps } from '../../../steps/index.ts';
import type { BenchCluster } from './cluster.ts';
import { create, namespaces } from './objects.ts';

/**
 * Runs `use` with a namespace of its own that has our Tasks, StepActions and service accounts. It is gone, with all that
 * was in it, when this returns: whatever runs on would disturb the next measurement.
 */
export async function withNamespace<T>(
  cluster: BenchCluster,
  label: string,
  use: (namespace: string) => Promise<T>,
): Promise<T> {
  const { kube, imagePrefix, imageTag } = cluster;
  const name = `bench-${label}-${randomBytes(3).toString('hex')}`;
  await kube.create<KubeObject>(namespaces, '', { metadata: { name } });
  try {
    for (const step of steps) {
      const image = { image: `${imagePrefix}/${step.name}:${imageTag}` };
      for (const object of [taskOf(step, image), stepActionOf(step, image), ...rbacOf(step)]) {
        await create(kube, name, object);
      }
    }
    return await use(name);
  } finally {
    await kube.delete(namespaces, '', name);
    await gone(cluster, name);
  }
}

async function gone({ kube }: BenchCluster, name: string): Promise<void> {
  for (let tries = 0; tries < 120; tries++) {
    try {
      await kube.get(namespaces, '', name);
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) return;
      throw error;
    }
    await pause(500);
  }
}
