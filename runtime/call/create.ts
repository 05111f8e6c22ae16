import { hasCode, SubpipeError } from '../errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { pipelineRuns } from '../kube/resource.ts';
import type { Log } from '../log.ts';
import type { PipelineRun } from '../tekton/types.ts';
import { type ChildPlan, callerUidLabel, callLabel, childRun } from './child.ts';
import { outcomeOf } from './outcome.ts';

/** A child that is there, made by this try or found. */
export interface Created {
  run: PipelineRun;
  /** The number in its name: the attempt that a next one follows. */
  attempt: number;
  adopted: boolean;
}

/**
 * Creates the child, or adopts the one that an earlier try of the same TaskRun made: one that runs or has succeeded.
 * Where that one failed, the next attempt's is created. Safe to repeat at any moment.
 *
 * @param from The first attempt to consider: 0, or one more than the attempt that failed just now.
 * @throws SubpipeError `CONFLICT` where the name belongs to somebody else, `FORBIDDEN`, `INVALID` by an admission webhook.
 */
export async function createOrAdopt(
  kube: KubeClient,
  plan: ChildPlan,
  from: number,
  log: Log,
  signal?: AbortSignal,
): Promise<Created> {
  for (let attempt = from; ; attempt++) {
    const child = childRun(plan, attempt);
    try {
      return { run: await kube.create(pipelineRuns, plan.namespace, child, signal), attempt, adopted: false };
    } catch (error) {
      if (!hasCode(error, 'CONFLICT')) throw error;
    }
    const found = await existing(kube, plan, child.metadata.name, signal);
    if (found === undefined) {
      attempt--; // deleted between the two requests: the name is free again
      continue;
    }
    const outcome = outcomeOf(found);
    if (found.metadata.deletionTimestamp === undefined && (outcome === undefined || outcome.status === 'Succeeded')) {
      return { run: found, attempt, adopted: true };
    }
    log.info(`${found.metadata.name} of an earlier try ended as ${outcome?.status ?? 'deleted'}: a new child is made`);
  }
}

async function existing(
  kube: KubeClient,
  plan: ChildPlan,
  name: string,
  signal?: AbortSignal,
): Promise<PipelineRun | undefined> {
  let run: PipelineRun;
  try {
    run = await kube.get<PipelineRun>(pipelineRuns, plan.namespace, name, signal);
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
  const { labels } = run.metadata;
  if (labels?.[callerUidLabel] !== plan.callerUid || labels?.[callLabel] !== plan.call.name) {
    throw new SubpipeError(
      'CONFLICT',
      `the PipelineRun ${name} in namespace ${plan.namespace} was made by somebody else`,
      {
        hint: 'Delete it, or give the call another name.',
      },
    );
  }
  return run;
}
