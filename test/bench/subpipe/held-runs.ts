import type { KubeClient } from '../../../runtime/kube/client.ts';
import type { KubeObject } from '../../../runtime/kube/resource.ts';
import { pathOf, pipelineRuns } from '../../../runtime/kube/resource.ts';
import { create, serviceAccounts } from './objects.ts';
import type { Observer } from './observer.ts';

/**
 * PipelineRuns that are created as `PipelineRunPending`, so that Tekton starts nothing, and that are ended by writing into
 * their status what Tekton would. Hundreds of them cost the cluster hardly anything: what is measured is the waiting.
 */
export async function holdRuns(
  kube: KubeClient,
  namespace: string,
  names: readonly string[],
  observer: Observer,
): Promise<void> {
  const spec = {
    status: 'PipelineRunPending',
    pipelineSpec: { tasks: [{ name: 'work', taskRef: { name: 'subpipe' } }] },
  };
  await Promise.all(
    names.map((name) =>
      create(kube, namespace, { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', metadata: { name }, spec }),
    ),
  );
  await Promise.all(names.map((name) => observer.held(name)));
}

/** Ends them all at once, as succeeded. */
export async function endRuns(kube: KubeClient, namespace: string, names: readonly string[]): Promise<void> {
  const now = new Date().toISOString().replace(/\.\d+/, '');
  const condition = { type: 'Succeeded', status: 'True', reason: 'Succeeded', message: '', lastTransitionTime: now };
  const body = JSON.stringify({ status: { completionTime: now, conditions: [condition] } });
  await Promise.all(
    names.map(async (name) => {
      const attempt = { verb: 'patch', resource: 'pipelineruns/status', namespace, name } as const;
      const path = pathOf(pipelineRuns, namespace, name, 'status');
      const response = await kube.open(attempt, path, { method: 'PATCH', type: 'application/merge-patch+json', body });
      await response.text();
    }),
  );
}

/** A token of a service account, good for an hour, as a pod gets one (TokenRequest API). */
export async function tokenOf(kube: KubeClient, namespace: string, account: string): Promise<string> {
  const attempt = { verb: 'create', resource: 'serviceaccounts/token', namespace, name: account } as const;
  const spec = { expirationSeconds: 3600 };
  const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec });
  const path = pathOf(serviceAccounts, namespace, account, 'token');
  const response = await kube.open(attempt, path, { method: 'POST', type: 'application/json', body });
  const { status } = JSON.parse(await response.text()) as KubeObject & { status?: { token?: string } };
  if (status?.token === undefined) throw new Error(`no token came for the service account ${account}`);
  return status.token;
}
