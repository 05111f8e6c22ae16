import { pause } from '../../../runtime/retry.ts';
import type { BenchOptions, Findings } from '../bench.ts';
import { type Judge, row, type Samples } from '../row.ts';
import { ApiProxy } from './api-proxy.ts';
import type { BenchCluster } from './cluster.ts';
import { measureCrowds } from './crowd.ts';
import { endRuns, holdRuns, tokenOf } from './held-runs.ts';
import { create } from './objects.ts';
import { Observer } from './observer.ts';
import { memoryOf, type StepRoot } from './step-root.ts';
import { childPipeline, runOf } from './variants.ts';
import {
  caller,
  describeRequests,
  kubectlWait,
  startWaiter,
  subpipeWait,
  type Waiter,
  watchedIn,
  withoutLogs,
} from './waiter.ts';

/** For a p95 that is more than the slowest of five. */
const leastWaits = 20;

/** How long a wait is held for its requests to be counted. */
export const holdMs = 3000;

/** All that a measurement of waiting processes needs. */
export interface WaitingContext {
  cluster: BenchCluster;
  namespace: string;
  root: StepRoot;
  proxy: ApiProxy;
  observer: Observer;
  options: BenchOptions;
}

interface Wait {
  /** Ms from the event that tells the run's end, as another watch gets it, to the process's exit. */
  exit: number;
  requests: number;
  /** The same in words. */
  asked: string;
  /** MiB resident while it waits. */
  memory: number;
}

/** Waits for runs that are held, by processes on this machine: requests, memory, and the time from end to exit. */
export async function measureWaiting(
  cluster: BenchCluster,
  namespace: string,
  root: StepRoot,
  options: BenchOptions,
): Promise<Findings> {
  const { kube, signal } = cluster;
  await root.writeAccount(namespace, await tokenOf(kube, namespace, 'subpipe-wait'));
  await using proxy = await ApiProxy.start(await kube.config(), root.certificate);
  await using observer = new Observer(kube, namespace, signal);
  await holdRuns(kube, namespace, [caller], observer);
  const context: WaitingContext = { cluster, namespace, root, proxy, observer, options };
  const waiters = [subpipeWait, kubectlWait, withoutLogs];
  const all = new Map<Waiter, Wait[]>(waiters.map((waiter) => [waiter, []]));
  const count = Math.max(options.rounds, leastWaits);
  for (let round = 0; round <= count; round++) {
    for (const waiter of waiters) {
      signal.throwIfAborted();
      const wait = await oneWait(context, waiter, `${waiter.label}-${round}`, round === count ? holdMs : 300);
      if (round > 0) all.get(waiter)?.push(wait);
    }
  }
  options.say(`waiting: ${count} waits of each`);
  const of = (waiter: Waiter, field: 'exit' | 'requests' | 'memory'): Samples => ({
    name: waiter.name,
    values: (all.get(waiter) ?? []).map((wait) => wait[field]),
  });
  const soon: [string, Judge] = ['below 100 ms', ({ ours }) => ours < 100];
  const few: [string, Judge] = ['at most 3 + 1', ({ ours }) => ours <= 4];
  const exits = "from the child's completion to the step's exit";
  const exit = { peer: of(kubectlWait, 'exit') };
  const rows = [
    row(`one wait: ${exits}, p50`, 'ms', of(subpipeWait, 'exit'), { ...exit, goal: soon }),
    row(`one wait: ${exits}, p95`, 'ms', of(subpipeWait, 'exit'), { ...exit, at: 0.95 }),
    row('one wait: API requests', 'requests', of(subpipeWait, 'requests'), {
      peer: of(kubectlWait, 'requests'),
      goal: few,
    }),
    row('one wait without logs: API requests', 'requests', of(withoutLogs, 'requests'), {
      peer: of(kubectlWait, 'requests'),
      goal: few,
    }),
    row("one wait, the child's log of one step shown: API requests", 'requests', await realWaits(context), {
      goal: few,
    }),
    row('one wait: memory while it waits', 'MiB', of(subpipeWait, 'memory'), { peer: of(kubectlWait, 'memory') }),
  ];
  const crowd = await measureCrowds(context);
  const asked = waiters.map((waiter) => `  ${waiter.name}: ${all.get(waiter)?.at(-1)?.asked}`);
  const notes = [`Requests of one wait:\n${asked.join('\n')}`, crowd.note];
  return { rows: [...rows, ...crowd.rows], notes, failures: [] };
}

/** Waits for children that do run, as a PipelineRun of one task and one step: only they have logs. */
async function realWaits(context: WaitingContext): Promise<Samples> {
  const { cluster, namespace, root, proxy, observer, options } = context;
  const images = { shell: cluster.shellImage, kubectl: '' };
  await create(cluster.kube, namespace, childPipeline(images));
  const values: number[] = [];
  for (let round = 0; round < Math.min(options.rounds, 3); round++) {
    const name = `real-${round}`;
    await create(cluster.kube, namespace, runOf('child', name, images));
    const before = proxy.passed.length;
    const { ended } = startWaiter(root, proxy, subpipeWait, [name]);
    await Promise.all([ended, observer.ended('PipelineRun', name)]);
    values.push(proxy.passed.length - before);
  }
  return { name: subpipeWait.name, values };
}

async function oneWait(context: WaitingContext, waiter: Waiter, name: string, hold: number): Promise<Wait> {
  const { cluster, namespace, root, proxy, observer } = context;
  await holdRuns(cluster.kube, namespace, [name], observer);
  const before = proxy.passed.length;
  const { child, ended } = startWaiter(root, proxy, waiter, [name]);
  try {
    await Promise.race([
      proxy.until(before, (passed) => passed.some(({ path }) => path.includes(name)) && watchedIn(passed) > 0),
      ended,
    ]);
    await pause(hold);
    const { resident } = await memoryOf(child.pid ?? 0);
    await endRuns(cluster.kube, namespace, [name]);
    const [exit, told] = await Promise.all([ended, observer.ended('PipelineRun', name)]);
    const asked = describeRequests(proxy.passed.slice(before));
    return { exit: exit - told, requests: proxy.passed.length - before, asked, memory: resident };
  } finally {
    child.kill('SIGKILL');
  }
}
