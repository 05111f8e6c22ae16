import { randomUUID } from 'node:crypto';
import { hasCode, invalid, SubpipeError } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { type KubeObject, type OwnerReference, resolutionRequests } from '../kube/resource.ts';
import { watch } from '../kube/watch.ts';
import type { Log } from '../log.ts';
import { type Fields, fieldsOf } from '../shape.ts';
import { parseYaml } from '../yaml.ts';
import type { Condition, Param, Pipeline, Task } from './types.ts';
import { succeeded } from './types.ts';
import { toV1 } from './v1beta1.ts';

interface ResolutionRequest extends KubeObject {
  spec: { params: Param[] };
  status?: { data?: string; conditions?: Condition[] };
}

interface RemoteRef {
  resolver: string;
  params: Param[];
}

interface ResolutionOptions {
  owner: OwnerReference | undefined;
  log: Log;
  signal?: AbortSignal | undefined;
}

/**
 * Asks Tekton's own resolvers for a Pipeline (docs/resolution.md), so that git, hub, http, bundles, cluster and others
 * mean here exactly what they mean in a PipelineRun. One of v1beta1 becomes one of v1.
 *
 * @throws SubpipeError `INVALID` where the reference cannot be resolved, `FORBIDDEN` without rights on ResolutionRequests.
 */
export async function resolvePipeline(
  kube: KubeClient,
  namespace: string,
  ref: RemoteRef,
  options: ResolutionOptions,
): Promise<Pipeline> {
  return (await resolved(kube, namespace, ref, 'Pipeline', options)) as unknown as Pipeline;
}

/** {@link resolvePipeline}, for a Task. */
export async function resolveTask(
  kube: KubeClient,
  namespace: string,
  ref: RemoteRef,
  options: ResolutionOptions,
): Promise<Task> {
  return (await resolved(kube, namespace, ref, 'Task', options)) as unknown as Task;
}

async function resolved(
  kube: KubeClient,
  namespace: string,
  ref: RemoteRef,
  kind: 'Pipeline' | 'Task',
  options: ResolutionOptions,
): Promise<Fields> {
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
    const where = `the ${kind} of the ${ref.resolver} resolver`;
    const condition = succeeded(done);
    if (condition?.status !== 'True' || done.status?.data === undefined) {
      throw invalid(`${where} cannot be resolved`, { cause: condition?.message ?? condition?.reason });
    }
    const object = fieldsOf(await parseYaml(Buffer.from(done.status.data, 'base64').toString('utf8'), where), where);
    if (object.kind !== kind) throw invalid(`${where} must be a ${kind}, but is a ${String(object.kind)}`);
    fieldsOf(object.spec, `${where}: spec`);
    const ofV1 = object.apiVersion === 'tekton.dev/v1beta1' ? toV1(object, kind) : object;
    return { ...ofV1, metadata: fieldsOf(ofV1.metadata ?? {}, `${where}: metadata`) };
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
  throw new SubpipeError('UNAVAILABLE', 'Tekton has not resolved the reference within 2 minutes', {
    hint: 'Look at the log of the Deployment tekton-pipelines-remote-resolvers.',
  });
}
