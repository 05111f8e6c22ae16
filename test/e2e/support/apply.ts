import type { KubeObject, Resource } from '../../../runtime/kube/resource.ts';
import { parseYamlAll } from '../../../runtime/yaml.ts';
import { context, kube } from './context.ts';

const plurals: Record<string, string> = {
  Pipeline: 'pipelines',
  PipelineRun: 'pipelineruns',
  Task: 'tasks',
  TaskRun: 'taskruns',
  StepAction: 'stepactions',
  Role: 'roles',
  RoleBinding: 'rolebindings',
  ServiceAccount: 'serviceaccounts',
  ConfigMap: 'configmaps',
  Secret: 'secrets',
  PersistentVolumeClaim: 'persistentvolumeclaims',
  Pod: 'pods',
  Service: 'services',
};

function resourceOf(object: { apiVersion?: string; kind?: string }): Resource {
  const [version = 'v1', group = ''] = (object.apiVersion ?? 'v1').split('/').reverse();
  const kind = object.kind ?? '';
  const plural = plurals[kind];
  if (plural === undefined) throw new Error(`the tests know no plural of ${kind}`);
  return { group, version, plural, kind };
}

/** Creates objects, given as YAML or as they are. `SHELL_IMAGE` in YAML stands for an image with a shell. */
export async function apply<T extends KubeObject = KubeObject>(
  namespace: string,
  ...objects: (string | Record<string, unknown>)[]
): Promise<T[]> {
  const created: T[] = [];
  for (const given of objects) {
    const documents =
      typeof given === 'string'
        ? await parseYamlAll(given.replaceAll('SHELL_IMAGE', context.shellImage), 'a test')
        : [given];
    for (const document of documents) {
      const object = document as T;
      created.push(await kube.create(resourceOf(object), namespace, object));
    }
  }
  return created;
}
