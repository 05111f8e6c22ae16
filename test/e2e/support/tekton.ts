import type { KubeObject, Resource } from '../../../runtime/kube/resource.ts';
import { kube } from './context.ts';

const configMaps: Resource = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' };

/** Whether the cluster's Tekton is of this version, such as 1.12, or newer. Everybody may read which one it is. */
export async function tektonIsAtLeast(version: string): Promise<boolean> {
  const { data } = await kube.get<KubeObject & { data?: Record<string, string> }>(
    configMaps,
    'tekton-pipelines',
    'pipelines-info',
  );
  const numbers = (text: string): number[] => text.replace(/^v/, '').split('.').map(Number);
  const [major = 0, minor = 0] = numbers(data?.version ?? '');
  const [wantedMajor = 0, wantedMinor = 0] = numbers(version);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
