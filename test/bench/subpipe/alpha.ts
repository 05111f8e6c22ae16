import { explain, hasCode } from '../../../runtime/errors.ts';
import type { KubeObject } from '../../../runtime/kube/resource.ts';
import { pause } from '../../../runtime/retry.ts';
import type { BenchCluster } from './cluster.ts';
import { configMaps } from './objects.ts';

const flag = 'enable-api-fields';
const at = ['tekton-pipelines', 'feature-flags'] as const;

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

/**
 * Runs `use` while Tekton takes alpha fields, and puts the flag back. Tekton reads its ConfigMap when it changes.
 * Only the project's own cluster is changed; another one is used as it is.
 *
 * @throws Error where alpha fields are off on a cluster that is not the project's own.
 */
export async function withAlpha<T>(cluster: BenchCluster, use: () => Promise<T>): Promise<T> {
  const { kube, ownCluster, signal } = cluster;
  const before = (await kube.get<ConfigMap>(configMaps, ...at, signal)).data?.[flag];
  if (before === 'alpha') return use();
  if (!ownCluster) {
    throw new Error(`Tekton's ${flag} is ${before ?? 'not set'}, not alpha, and the cluster is not ours to change`);
  }
  await kube.patch(configMaps, ...at, { data: { [flag]: 'alpha' } }, signal);
  try {
    // Controller and webhook have watches on it; nothing tells when both have seen it.
    await pause(1000, signal);
    return await use();
  } finally {
    await kube.patch(configMaps, ...at, { data: { [flag]: before ?? null } });
  }
}

/** True for the webhook's refusal of a field that is alpha: it has not seen the flag yet. */
export function isNotYetAlpha(error: unknown): boolean {
  return hasCode(error, 'INVALID') && /alpha/.test(explain(error));
}
