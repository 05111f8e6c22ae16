import { invalid } from '../../errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type KubeObject, pipelines, type Resource, tasks } from '../../kube/resource.ts';
import type { Origin } from './origin.ts';

const stepActions: Resource = { group: 'tekton.dev', version: 'v1beta1', plural: 'stepactions', kind: 'StepAction' };

/** An object of the cluster (docs/cluster-resolver.md), without what only that cluster knows of it. */
export function clusterOrigin(
  { resourceKind, name, namespace }: { resourceKind: string; name: string; namespace: string },
  kube: KubeClient | undefined,
): Origin {
  const resource = [tasks, pipelines, stepActions].find(
    ({ kind }) => kind.toLowerCase() === resourceKind.toLowerCase(),
  );
  if (resource === undefined)
    throw invalid(`the kind "${resourceKind}" of ${name} must be task, pipeline or stepaction`);
  const from = `cluster ${namespace} ${resource.kind.toLowerCase()} ${name}`;
  return {
    from,
    immutable: false,
    async read(_known, signal) {
      if (kube === undefined) throw invalid(`the ${from} needs a cluster, and none is configured`);
      const object = await kube.get<KubeObject & { spec?: unknown }>(resource, namespace, name, signal);
      const { labels, annotations = {} } = object.metadata;
      const { 'kubectl.kubernetes.io/last-applied-configuration': _applied, ...notes } = annotations;
      const metadata = {
        name,
        ...(labels === undefined ? {} : { labels }),
        ...(Object.keys(notes).length === 0 ? {} : { annotations: notes }),
      };
      const apiVersion = object.apiVersion ?? `${resource.group}/${resource.version}`;
      // JSON is YAML; two spaces, as people read it in a diff.
      const text = `${JSON.stringify({ apiVersion, kind: resource.kind, metadata, spec: object.spec }, null, 2)}\n`;
      return { kind: 'text', text, validators: {} };
    },
  };
}
