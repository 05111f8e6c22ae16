import { setTimeout } from 'node:timers/promises';
import { explain } from '../../../runtime/errors.ts';
import { KubeClient } from '../../../runtime/kube/client.ts';
import { ready } from '../../e2e/support/ready.ts';
import type { Bench, BenchOptions, Findings } from '../bench.ts';
import { measureCalls } from './calls.ts';
import type { BenchCluster } from './cluster.ts';
import { measureColdStart } from './cold-start.ts';
import { buildKubectl } from './kubectl.ts';
import { withNamespace } from './namespace.ts';
import { withStepRoot } from './step-root.ts';
import { measureWaiting } from './waiting.ts';

type Part = (cluster: BenchCluster, options: BenchOptions) => Promise<Findings>;

const parts: Record<string, Part> = {
  'cold-start': (cluster, options) => withStepRoot(cluster, (root) => measureColdStart(root, options)),
  waiting: (cluster, options) =>
    withNamespace(cluster, 'waiting', (namespace) =>
      withStepRoot(cluster, (root) => measureWaiting(cluster, namespace, root, options)),
    ),
  calls: (cluster, options) =>
    withNamespace(cluster, 'calls', (namespace) => measureCalls(cluster, namespace, options)),
};

/** Calls of Pipelines: their price, against the other ways to make them. */
export const subpipeBench: Bench = {
  summary: 'Calls of Pipelines on a real cluster, cold start and waiting of our steps.',
  parts: Object.keys(parts),

  async run(options) {
    const { env, signal, say, only } = options;
    const context = await ready(env, signal);
    const kube = new KubeClient({ env, kubeconfig: context.kubeconfig });
    say('building kubectl, the peer');
    const cluster: BenchCluster = { ...context, kube, kubectl: await buildKubectl(env, signal), signal };
    const all: Findings = { rows: [], notes: [], failures: [] };
    for (const [name, part] of Object.entries(parts)) {
      if (only !== undefined && !only.includes(name)) continue;
      say(`${name}: measuring`);
      try {
        const { rows, notes, failures } = await part(cluster, options);
        all.rows.push(...rows);
        all.notes.push(...notes);
        all.failures.push(...failures);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        all.failures.push(`${name}: ${explain(error)}`);
      }
      // What one part leaves to tidy up should not slow the next one down.
      await setTimeout(2000);
    }
    return all;
  },
};
