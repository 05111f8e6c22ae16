import { pause } from '../../../runtime/retry.ts';
import { type Judge, type Row, row, type Samples } from '../row.ts';
import { median, quantile } from '../statistics.ts';
import { endRuns, holdRuns } from './held-runs.ts';
import { childrenCpu, memoryOf } from './step-root.ts';
import {
  describeRequests,
  kubectlWait,
  startWaiter,
  subpipeWait,
  type Waiter,
  type Waiting,
  watchedIn,
  withoutLogs,
} from './waiter.ts';
import { holdMs, type WaitingContext } from './waiting.ts';

const size = 50;

/** Each costs seconds and hundreds of objects. */
const mostRounds = 3;

interface Crowd {
  requests: number;
  /** The same in words. */
  asked: string;
  /** MiB of all processes while they wait, what they share counted once. */
  memory: number;
  /** Seconds of all processes, from start to end. */
  cpu: number;
  /** Ms from the event that tells a run's end to the exit of the process that waited for it: the middle and the last. */
  middle: number;
  last: number;
}

type Form = 'a process each' | 'one process';

/** Waits for 50 runs at once that all end together, by 50 processes and by one. */
export async function measureCrowds(context: WaitingContext): Promise<{ rows: Row[]; note: string }> {
  const { rounds, say, signal } = context.options;
  const forms: Form[] = ['a process each', 'one process'];
  const rows: Row[] = [];
  const asked: string[] = [];
  for (const form of forms) {
    const ours: Crowd[] = [];
    const peers: Crowd[] = [];
    for (let round = 0; round < Math.min(rounds, mostRounds); round++) {
      for (const [waiter, list] of [[subpipeWait, ours] as const, [kubectlWait, peers] as const]) {
        signal.throwIfAborted();
        list.push(await measure(context, waiter, form, round));
        say(
          `waiting: ${size} at once, ${form}, ${waiter.name}: the last exit after ${list.at(-1)?.last.toFixed(0)} ms`,
        );
      }
    }
    rows.push(...rowsOf(form, ours, peers));
    asked.push(`  ${form}: ${ours.at(-1)?.asked}`);
  }
  const { requests } = await measure(context, withoutLogs, 'one process', 0);
  rows.push(
    row(
      `${size} waits at once, one process, without logs: API requests`,
      'requests',
      {
        name: withoutLogs.name,
        values: [requests],
      },
      { goal: few(3 + size) },
    ),
  );
  return { rows, note: `Requests of our ${size} waits at once:\n${asked.join('\n')}` };
}

async function measure(context: WaitingContext, waiter: Waiter, form: Form, round: number): Promise<Crowd> {
  const { cluster, namespace, root, proxy, observer } = context;
  const label = `${waiter.label}-${form === 'one process' ? 'one' : 'each'}-${round}`;
  const names = Array.from({ length: size }, (_, index) => `${label}-${index}`);
  await holdRuns(cluster.kube, namespace, names, observer);
  const [before, cpuBefore] = [proxy.passed.length, await childrenCpu()];
  const groups = form === 'one process' ? [names] : names.map((name) => [name]);
  const processes = groups.map((runs) => startWaiter(root, proxy, waiter, runs));
  try {
    // The caller is watched by ours as well.
    const wanted =
      groups.reduce((sum, runs) => sum + waiter.watches(runs.length), 0) + (waiter === kubectlWait ? 0 : 1);
    const failed = Promise.race(processes.map(({ ended }) => ended));
    await Promise.race([proxy.until(before, (passed) => watchedIn(passed) >= wanted, 120_000), failed]);
    await pause(holdMs);
    const used = await Promise.all(processes.map(({ child }) => memoryOf(child.pid ?? 0)));
    await endRuns(cluster.kube, namespace, names);
    const delays = await Promise.all(processes.map((one) => delayOf(one, observer)));
    return {
      requests: proxy.passed.length - before,
      asked: describeRequests(proxy.passed.slice(before)),
      memory: used.reduce((sum, { proportional }) => sum + proportional, 0),
      cpu: (await childrenCpu()) - cpuBefore,
      middle: median(delays),
      last: quantile(delays, 1),
    };
  } finally {
    for (const { child } of processes) child.kill('SIGKILL');
  }
}

/** Ms from the end of the last of its runs to its exit. */
async function delayOf({ runs, ended }: Waiting, observer: WaitingContext['observer']): Promise<number> {
  const [exit, ...told] = await Promise.all([ended, ...runs.map((run) => observer.ended('PipelineRun', run))]);
  return exit - Math.max(...told);
}

const few = (limit: number): [string, Judge] => [`at most ${limit}`, ({ ours }) => ours <= limit];

function rowsOf(form: Form, ours: readonly Crowd[], peers: readonly Crowd[]): Row[] {
  const of = (name: string, list: readonly Crowd[], field: Exclude<keyof Crowd, 'asked'>): Samples => ({
    name,
    values: list.map((crowd) => crowd[field]),
  });
  const what = `${size} waits at once, ${form}`;
  const peer = (field: Exclude<keyof Crowd, 'asked'>): { peer: Samples } => ({
    peer: of(kubectlWait.name, peers, field),
  });
  const our = (field: Exclude<keyof Crowd, 'asked'>): Samples => of(subpipeWait.name, ours, field);
  const limit = form === 'one process' ? 3 + size : (3 + 1) * size;
  return [
    row(`${what}: API requests`, 'requests', our('requests'), { ...peer('requests'), goal: few(limit) }),
    row(`${what}: memory of all`, 'MiB', our('memory'), peer('memory')),
    row(`${what}: CPU of all`, 's', our('cpu'), peer('cpu')),
    ...(form === 'one process'
      ? []
      : [row(`${what}: from completion to exit, p50`, 'ms', our('middle'), peer('middle'))]),
    row(`${what}: from completion to the last exit`, 'ms', our('last'), peer('last')),
  ];
}
