import type { KubeClient } from '../../../runtime/kube/client.ts';
import {
  apiVersionOf,
  type KubeObject,
  pipelineRuns,
  pipelines,
  type Resource,
  taskRuns,
  tasks,
} from '../../../runtime/kube/resource.ts';

const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' };

export const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' };
export const serviceAccounts: Resource = {
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
};
export const configMaps: Resource = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' };

const known: readonly Resource[] = [
  pipelineRuns,
  pipelines,
  taskRuns,
  tasks,
  serviceAccounts,
  { group: 'tekton.dev', version: 'v1beta1', plural: 'stepactions', kind: 'StepAction' },
  { ...rbac, plural: 'roles', kind: 'Role' },
  { ...rbac, plural: 'rolebindings', kind: 'RoleBinding' },
];

/** Creates an object of a kind that the bench uses. */
export async function create(kube: KubeClient, namespace: string, object: object): Promise<KubeObject> {
  const given = object as KubeObject;
  const resource = known.find((one) => one.kind === given.kind && apiVersionOf(one) === given.apiVersion);
  if (resource === undefined) throw new TypeError(`the bench knows no resource for ${given.apiVersion} ${given.kind}`);
  return kube.create(resource, namespace, given);
}
