import { readdirSync } from 'node:fs';
import { explain, SubpipeError } from './errors.ts';
import type { KubeClient } from './kube/client.ts';
import { type KubeObject, pods } from './kube/resource.ts';
import type { Log } from './log.ts';

/** Environment by which a step knows its own pod. A step with large results has it, and the right to get pods. */
export const podName = { SUBPIPE_POD: 'metadata.name' } as const;

/** The kubelet's limits on termination messages (pkg/kubelet/container/runtime.go): of one container, and of a pod. */
const containerBytes = 4096;
const podBytes = 12 * 1024;

/** Init containers that Tekton adds: prepare always, place-scripts and working-dir-initializer for some Tasks. */
const mostInit = 3;

interface Pod extends KubeObject {
  spec?: { containers?: unknown[]; initContainers?: unknown[]; ephemeralContainers?: unknown[] };
}

/**
 * Bytes of this container's termination message that the kubelet keeps. A pod has 12 KiB, divided evenly among all its
 * containers, init containers and injected ones included (pkg/kubelet/status, normalizeStatus): from the fourth on, each has
 * less than 4,096. Asks for the pod once; where that is refused, or the step has no right to it, it counts the steps and assumes
 * the most of what Tekton adds.
 *
 * @param runs Where Tekton tells a container of its steps.
 */
export async function messageLimit(
  kube: KubeClient,
  env: NodeJS.ProcessEnv,
  log: Log,
  runs = '/tekton/run',
): Promise<number> {
  const name = env.SUBPIPE_POD;
  if (name === undefined || name === '') {
    const steps = stepsOfPod(runs);
    return steps === 0 ? containerBytes : shareOf(steps + mostInit); // a laptop: nothing cuts
  }
  try {
    const { namespace } = await kube.config();
    const { spec = {} } = await kube.get<Pod>(pods, namespace, name, AbortSignal.timeout(10_000));
    const lists = [spec.containers, spec.initContainers, spec.ephemeralContainers];
    return shareOf(lists.reduce((sum, list) => sum + (list?.length ?? 0), 0));
  } catch (error) {
    const limit = shareOf(Math.max(1, stepsOfPod(runs)) + mostInit);
    if (!(error instanceof SubpipeError)) return limit;
    log.warn(`the containers of this pod cannot be counted, so results may take ${limit} bytes: ${explain(error)}`);
    return limit;
  }
}

function shareOf(containers: number): number {
  return Math.min(containerBytes, Math.floor(podBytes / Math.max(1, containers)));
}

/** Tekton mounts /tekton/run/N for each step of a Task into each of its containers. */
function stepsOfPod(runs: string): number {
  try {
    return readdirSync(runs).length;
  } catch {
    return 0;
  }
}
