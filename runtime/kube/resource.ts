/** Where a kind of object lives in the API. */
export interface Resource {
  /** `''` for the core group. */
  group: string;
  version: string;
  plural: string;
  kind: string;
}

export const pipelineRuns: Resource = {
  group: 'tekton.dev',
  version: 'v1',
  plural: 'pipelineruns',
  kind: 'PipelineRun',
};
export const taskRuns: Resource = { group: 'tekton.dev', version: 'v1', plural: 'taskruns', kind: 'TaskRun' };
export const pipelines: Resource = { group: 'tekton.dev', version: 'v1', plural: 'pipelines', kind: 'Pipeline' };
export const tasks: Resource = { group: 'tekton.dev', version: 'v1', plural: 'tasks', kind: 'Task' };
export const resolutionRequests: Resource = {
  group: 'resolution.tekton.dev',
  version: 'v1beta1',
  plural: 'resolutionrequests',
  kind: 'ResolutionRequest',
};
export const pods: Resource = { group: '', version: 'v1', plural: 'pods', kind: 'Pod' };

export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** The path of a collection or of one object (Kubernetes API concepts, "Resource URIs"). No namespace: `''`. */
export function pathOf(resource: Resource, namespace: string, name?: string, subresource?: string): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const within = namespace === '' ? [] : ['namespaces', encodeURIComponent(namespace)];
  const parts = [root, ...within, resource.plural];
  if (name !== undefined) parts.push(encodeURIComponent(name));
  if (subresource !== undefined) parts.push(subresource);
  return parts.join('/');
}

/** What every object has (Kubernetes API conventions, "Metadata"), as far as it is used here. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generateName?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  ownerReferences?: OwnerReference[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
}

export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}
