import { randomUUID } from 'node:crypto';
import { hasCode, invalid, SubpipeError } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { type KubeObject, type OwnerReference, resolutionRequests } from '../kube/resource.ts';
import { watch } from '../kube/watch.ts';
import type { Log } from '../log.ts';
import { fieldsOf } from '../shape.ts';
import { parseYaml } from '../yaml.ts';
import type { Condition, Param, Pipeline } from './types.ts';
import { succeeded } from './types.ts';

interface ResolutionRequest extends KubeObject {
  spec: { params: Param[] };
  status?: { data?: string; conditions?: Condition[] };
}

/**
 * Asks Tekton's own resolvers for a Pipeline (docs/resolution.md), so that git, hub, http, bundles, cluster and others
 * mean here exactly what they mean in a PipelineRun.
 *
 * @throws SubpipeError `INVALID` where the reference cannot be resolved, `FORBIDDEN` without rights on ResolutionRequests.
 */
export async function resolvePipeline(
  kube: KubeClient,
  namespace: string,
  ref: { resolver: string; params: Param[] },
  options: { owner: OwnerReference | undefined; log: Log; signal?: AbortSignal },
): Promise<Pipeline> {
  const name = `subpipe-${randomUUID()}`;
  const request: ResolutionRequest = {
    metadata: {
      name,
      labels: { 'resolution.tekton.dev/type': ref.resolver },
      ...(options.owner === undefined ? {} : { ownerReferences: [options.owner] }),
    },
    spec: { params: ref.params },
  };
  const created = await kube.create(resolutionRequests, namespace, request, options.signal).catch((error: unknown) => {
    // The name is random: one that is taken is ours, from a try whose answer was lost.
    if (hasCode(error, 'CONFLICT')) return request;
    throw error;
  });
  try {
    const done = await settled(kube, namespace, created, options.signal);
    const where = `the Pipeline of the ${ref.resolver} resolver`;
    const condition = succeeded(done);
    if (condition?.status !== 'True' || done.status?.data === undefined) {
      throw invalid(`${where} cannot be resolved`, { cause: condition?.message ?? condition?.reason });
    }
    const object = fieldsOf(await parseYaml(Buffer.from(done.status.data, 'base64').toString('utf8'), where), where);
    if (object.kind !== 'Pipeline') throw invalid(`${where} must be a Pipeline, but is a ${String(object.kind)}`);
    fieldsOf(object.spec, `${where}: spec`);
    return object as unknown as Pipeline;
  } finally {
    await kube.delete(resolutionRequests, namespace, name).catch((error: unknown) => {
      options.log.debug(`the ResolutionRequest ${name} stays behind: ${String(error)}`);
    });
  }
}

async function settled(
  kube: KubeClient,
  namespace: string,
  created: ResolutionRequest,
  signal: AbortSignal | undefined,
): Promise<ResolutionRequest> {
  const { name, resourceVersion } = created.metadata;
  const limit = AbortSignal.timeout(120_000);
  const both = signal === undefined ? limit : AbortSignal.any([signal, limit]);
  const events = watch<ResolutionRequest>(kube, resolutionRequests, namespace, {
    fieldSelector: `metadata.name=${name}`,
    resourceVersion,
    signal: both,
  });
  for await (const { object } of events) {
    const condition = succeeded(object);
    if (condition !== undefined && condition.status !== 'Unknown') return object;
  }
  if (signal?.aborted) throw signal.reason;
  throw new SubpipeError('UNAVAILABLE', 'Tekton has not resolved the Pipeline within 2 minutes', {
    hint: 'Look at the log of the Deployment tekton-pipelines-remote-resolvers.',
  });
}
