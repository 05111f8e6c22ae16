import { pause } from '../../../runtime/retry.ts';
import type { BenchOptions, Findings } from '../bench.ts';
import { isNotYetAlpha, withAlpha } from './alpha.ts';
import { callRows } from './call-rows.ts';
import type { BenchCluster } from './cluster.ts';
import { pushKubectlImage } from './kubectl-image.ts';
import { create } from './objects.ts';
import { Observer } from './observer.ts';
import { type CallPhases, describePhases, phasesOf } from './phases.ts';
import { childPipeline, type Images, runOf, type Variant, variants } from './variants.ts';

/**
 * Runs every variant once a round, one after the other, in turn forwards and backwards, and compares the times from the
 * request that creates a run to the event that tells its end. A first round, which pulls the images, is not counted.
 */
export async function measureCalls(
  cluster: BenchCluster,
  namespace: string,
  { env, rounds, say, signal }: BenchOptions,
): Promise<Findings> {
  say('calls: building and pushing the image with kubectl');
  const images: Images = { shell: cluster.shellImage, kubectl: await pushKubectlImage(cluster, env) };
  await create(cluster.kube, namespace, childPipeline(images));
  await using observer = new Observer(cluster.kube, namespace, signal);
  const times = new Map<Variant, number[]>();
  const phases: CallPhases[] = [];
  const failures: string[] = [];
  let order = Object.keys(variants) as Variant[];
  for (let round = 0; round <= rounds; round++) {
    for (const variant of order) {
      const name = `${variant}-${round}`;
      const measured = (): Promise<number> => measure(cluster, observer, namespace, variant, name, images);
      try {
        const seconds = variant === 'native' ? await withAlpha(cluster, measured) : await measured();
        say(`calls: ${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}: ${variant} ${seconds.toFixed(2)} s`);
        if (round === 0) continue;
        times.set(variant, [...(times.get(variant) ?? []), seconds]);
        if (variant === 'call') phases.push(phasesOf(observer, name, seconds));
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        failures.push(`${variants[variant]}: ${error instanceof Error ? error.message : String(error)}`);
        // The others go on, in pairs without it.
        order = order.filter((other) => other !== variant);
        times.delete(variant);
      }
    }
    order = order.toReversed();
  }
  return { rows: callRows(times), notes: phases.length === 0 ? [] : [describePhases(phases)], failures };
}

async function measure(
  { kube, signal }: BenchCluster,
  observer: Observer,
  namespace: string,
  variant: Variant,
  name: string,
  images: Images,
): Promise<number> {
  const run = runOf(variant, name, images);
  for (let tries = 0; ; tries++) {
    const begin = performance.now();
    try {
      await create(kube, namespace, run);
    } catch (error) {
      if (variant !== 'native' || tries > 20 || !isNotYetAlpha(error)) throw error;
      await pause(500, signal);
      continue;
    }
    const end = await observer.ended(run.kind, name);
    // Tekton is done with a run some moments after it says that it has ended.
    await pause(500, signal);
    return (end - begin) / 1000;
  }
}
