import { randomBytes } from 'node:crypto';
import { callerUidLabel, callLabel, childRun } from '../../runtime/call/child.ts';
import type { PreparedCall } from '../../runtime/call/prepare.ts';
import { hasCode, SubpipeError } from '../../runtime/errors.ts';
import type { KubeClient } from '../../runtime/kube/client.ts';
import { pipelineRuns } from '../../runtime/kube/resource.ts';
import type { PipelineRun } from '../../runtime/tekton/types.ts';

/**
 * Creates the run that a person asked for, under the name that its file gives it, or one after its Pipeline.
 * @throws SubpipeError `CONFLICT` where the name is taken, `INVALID` by an admission webhook.
 */
export async function createRun(kube: KubeClient, plan: PreparedCall, signal: AbortSignal): Promise<PipelineRun> {
  const child = childRun(plan, 0);
  const { [callLabel]: _call, ...labels } = child.metadata.labels ?? {};
  const run = { ...child, metadata: { ...child.metadata, labels, name: nameOf(plan) } };
  try {
    return await kube.create(pipelineRuns, plan.namespace, run, signal);
  } catch (error) {
    if (!hasCode(error, 'CONFLICT')) throw error;
    const found = await kube.get<PipelineRun>(pipelineRuns, plan.namespace, run.metadata.name, signal);
    // The request was tried again because its answer was lost: the run is ours.
    if (found.metadata.labels?.[callerUidLabel] === plan.callerUid) return found;
    throw new SubpipeError(
      'CONFLICT',
      `there is a PipelineRun ${run.metadata.name} in namespace ${plan.namespace} already`,
      { hint: 'Delete it, or give generateName in place of name.' },
    );
  }
}

/** Tekton writes it into labels of at most 63 characters. */
function nameOf({ source }: PreparedCall): string {
  const { name, generateName } = source.base?.metadata ?? {};
  if (name !== undefined && name !== '') return name;
  const prefix = generateName ?? `${source.title.toLowerCase().replaceAll(/[^a-z0-9-]+/g, '-')}-`;
  return `${prefix.slice(0, 57)}${randomBytes(4).readUInt32BE().toString(36).padStart(7, '0').slice(-5)}`;
}
