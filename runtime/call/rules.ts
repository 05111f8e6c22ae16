import { allow, type Rule } from '../kube/rbac.ts';

/** Large results: how many containers share the pod's room for them. */
const ownPod = allow('', 'pods', ['get']);

/** Rights that a step needs to call Pipelines. */
export const callRules: readonly Rule[] = [
  allow('tekton.dev', 'pipelineruns', ['get', 'create']),
  allow('tekton.dev', 'taskruns', ['get']),
  allow('tekton.dev', 'pipelines', ['get']),
  allow('resolution.tekton.dev', 'resolutionrequests', ['create', 'list', 'watch', 'delete']),
  ownPod,
];

/** Rights that a step needs to put the Tasks of a Pipeline into its run: for workspaces that images hand on. */
export const wrapRules: readonly Rule[] = [allow('tekton.dev', 'tasks', ['get'])];

/** Rights that a step needs to wait: `list` is for a watch that has to begin anew, `patch` and `delete` pass on the caller's end. */
export const waitRules: readonly Rule[] = [
  allow('tekton.dev', 'pipelineruns', ['get', 'list', 'watch', 'patch', 'delete']),
  allow('tekton.dev', 'taskruns', ['get', 'list', 'watch']),
  allow('', 'pods/log', ['get']),
  ownPod,
];

/** Several sets of rules as one, each resource once. */
export function union(...sets: readonly (readonly Rule[])[]): Rule[] {
  const byResource = new Map<string, Rule>();
  for (const rule of sets.flat()) {
    const key = JSON.stringify([rule.apiGroups, rule.resources]);
    const known = byResource.get(key);
    byResource.set(key, { ...rule, verbs: [...new Set([...(known?.verbs ?? []), ...rule.verbs])] });
  }
  return [...byResource.values()];
}
