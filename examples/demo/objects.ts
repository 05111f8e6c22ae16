import { readFile } from 'node:fs/promises';
import { hasCode } from '../../runtime/errors.ts';
import type { KubeClient } from '../../runtime/kube/client.ts';
import { type KubeObject, pipelines, type Resource, tasks } from '../../runtime/kube/resource.ts';
import { watch } from '../../runtime/kube/watch.ts';
import { parseYamlAll } from '../../runtime/yaml.ts';

const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' };
const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' };

/** The kinds that the example's files hold. */
const resources: readonly Resource[] = [
  pipelines,
  tasks,
  { group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount' },
  { ...rbac, plural: 'roles', kind: 'Role' },
  { ...rbac, plural: 'rolebindings', kind: 'RoleBinding' },
];

/** Creates all objects of YAML files, with texts of theirs (names of images) replaced. */
export async function createObjects(
  kube: KubeClient,
  namespace: string,
  files: readonly string[],
  replace: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<void> {
  for (const file of files) {
    let text = await readFile(file, 'utf8');
    for (const [from, to] of replace) text = text.replaceAll(from, to);
    for (const document of await parseYamlAll(text, file)) {
      const object = document as KubeObject;
      const resource = resources.find(({ kind }) => kind === object.kind);
      if (resource === undefined) throw new TypeError(`${file} holds a ${object.kind}, which the demo does not know`);
      await kube.create(resource, namespace, object, signal);
    }
  }
}

export async function createNamespace(kube: KubeClient, name: string, signal: AbortSignal): Promise<void> {
  await kube.create<KubeObject>(namespaces, '', { metadata: { name } }, signal);
}

/** Deletes a namespace and waits until it and all in it are gone. */
export async function deleteNamespace(kube: KubeClient, name: string, signal: AbortSignal): Promise<void> {
  try {
    await kube.delete(namespaces, '', name, signal);
    const { metadata } = await kube.get<KubeObject>(namespaces, '', name, signal);
    const options = { fieldSelector: `metadata.name=${name}`, resourceVersion: metadata.resourceVersion, signal };
    for await (const { type } of watch(kube, namespaces, '', options)) if (type === 'DELETED') return;
    if (signal.aborted) throw signal.reason;
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
  }
}
