import { explain } from '../../runtime/errors.ts';
import { type KubeObject, pathOf, type Resource } from '../../runtime/kube/resource.ts';
import { group } from '../../runtime/resolve/annotations.ts';
import { labelValue } from '../../runtime/resolve/name.ts';
import { isFields } from '../../runtime/shape.ts';
import type { Context } from './work.ts';

const secrets: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };

/** Ms. A cluster that does not answer is as good as none. */
const patience = 5_000;

/**
 * The name of the Secret that Pipelines-as-Code, or an earlier resolve, has made for a repository in the namespace of the kubeconfig:
 * the command that this one replaces uses it, and asks for no token. `undefined` where there is none, no cluster, or no right to look.
 */
export async function clusterSecret(
  { kube, params, log, signal }: Context,
  { owner, repository }: { owner: string; repository: string },
): Promise<string | undefined> {
  if (owner === '' || repository === '') return undefined;
  const labelSelector = `${group}/url-org=${labelValue(owner)},${group}/url-repository=${labelValue(repository)}`;
  try {
    const config = await kube.config();
    const namespace = params.namespace ?? config.namespace;
    const path = `${pathOf(secrets, namespace)}?${new URLSearchParams({ labelSelector })}`;
    const within = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
    const response = await kube.open({ verb: 'list', resource: 'secrets', namespace }, path, {
      signal: within,
      retry: false,
    });
    const list: unknown = JSON.parse(await response.text());
    const items: unknown[] = isFields(list) && Array.isArray(list.items) ? list.items : [];
    return items.filter(isSecret).find(({ data }) => isFields(data) && data['git-provider-token'] !== undefined)
      ?.metadata.name;
  } catch (error) {
    signal.throwIfAborted();
    log.debug(`no Secret for git_auth_secret from a cluster: ${explain(error)}`);
    return undefined;
  }
}

function isSecret(value: unknown): value is KubeObject & { data?: unknown } {
  return isFields(value) && isFields(value.metadata) && typeof value.metadata.name === 'string';
}
