import type { ChildProcess } from 'node:child_process';
import type { ApiProxy, Passed } from './api-proxy.ts';
import type { StepRoot } from './step-root.ts';

/** A program that waits for PipelineRuns. */
export interface Waiter {
  name: string;
  /** For the names of its runs. */
  label: string;
  command(runs: readonly string[]): string[];
  /** Watches that it has open once it waits for this many runs. */
  watches(runs: number): number;
}

export const subpipeWait: Waiter = {
  name: 'subpipe-wait',
  label: 'ours',
  command: (runs) => ['/subpipe/subpipe-wait', '--', ...runs],
  watches: (runs) => runs,
};

export const withoutLogs: Waiter = {
  ...subpipeWait,
  name: 'subpipe-wait --logs=none',
  label: 'quiet',
  command: (runs) => ['/subpipe/subpipe-wait', '--logs=none', '--', ...runs],
};

export const kubectlWait: Waiter = {
  name: 'kubectl wait',
  label: 'peer',
  command: (runs) => [
    ...['/usr/bin/kubectl', 'wait', '--for=condition=Succeeded', '--timeout=1h'],
    ...runs.map((run) => `pipelinerun/${run}`),
  ],
  // It waits for one after the other.
  watches: () => 1,
};

export const caller = 'caller';

/** A process that waits for longer has missed something. */
const longestMs = 180_000;

/** A waiting process. */
export interface Waiting {
  child: ChildProcess;
  runs: readonly string[];
  /** When it ended, by `performance.now()`. Rejects where it failed. */
  ended: Promise<number>;
}

export function startWaiter(root: StepRoot, proxy: ApiProxy, waiter: Waiter, runs: readonly string[]): Waiting {
  // As in the pod of a Task: our steps watch their caller too.
  const env = { SUBPIPE_TASK_RUN: caller, SUBPIPE_PIPELINE_RUN: caller };
  const child = root.start(waiter.command(runs), proxy.port, env);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  const limit = setTimeout(() => child.kill('SIGKILL'), longestMs);
  const ended = new Promise<number>((resolve, reject) => {
    let at = Number.NaN;
    child.on('exit', () => {
      at = performance.now();
    });
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(limit);
      return code === 0 ? resolve(at) : reject(new Error(`${waiter.name} ended with ${code}: ${said.slice(-500)}`));
    });
  });
  // Whoever waits for its watch first must not lose to an unhandled failure.
  ended.catch(() => {});
  return { child, runs, ended };
}

/** The runs, by name, that the requests watch. */
export function watchedIn(passed: readonly Passed[]): number {
  const watches = passed.filter(({ path }) => /\/pipelineruns\?.*watch=(true|1)/.test(path));
  return new Set(watches.flatMap(({ path }) => /metadata\.name(?:%3D|=)([^&]+)/.exec(path)?.[1] ?? [])).size;
}

/** What the requests were, for people: how many of each kind. */
export function describeRequests(passed: readonly Passed[]): string {
  const counts = new Map<string, number>();
  for (const { method, path } of passed) {
    const { pathname, searchParams } = new URL(path, 'https://api');
    const [, resource = pathname, name] = /\/namespaces\/[^/]+\/([^/]+)(?:\/(.+))?/.exec(pathname) ?? [];
    const log = name?.endsWith('/log') === true;
    const verb = searchParams.get('watch') !== null ? 'watch' : name === undefined ? 'list' : 'get';
    const kind = method === 'GET' ? `${verb} ${log ? `${resource}/log` : resource}` : `${method} ${resource}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => `${count} × ${kind}`).join(', ');
}
