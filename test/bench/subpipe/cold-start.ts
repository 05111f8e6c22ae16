import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { BenchOptions, Findings } from '../bench.ts';
import { type Judge, type Row, row, type Samples } from '../row.ts';
import { memoryOf, type StepRoot } from './step-root.ts';

/** Enough for a stable median of some dozen ms, whatever `--rounds` says. */
const leastRounds = 15;

interface Start {
  /** Ms from exec to the first API request, or to the end where there is none. */
  ms: number;
  /** MiB at the highest until then. */
  memory: number;
}

const programs = {
  subpipe: ['/subpipe/subpipe', '--pipeline=child'],
  'subpipe-wait': ['/subpipe/subpipe-wait', '--', 'a-run'],
  'subpipe-trigger': ['/subpipe/subpipe-trigger', '--pipeline=child'],
  // Its end is seen when it has written: what it uses while it waits for a line is what it needs to start.
  'bare Node': ['/usr/bin/node', '-e', 'process.stdout.write("x");process.stdin.resume()'],
  'kubectl get': ['/usr/bin/kubectl', 'get', 'pipelinerun', 'a-run'],
  'a step with all of client-node': ['/usr/bin/node', '/peer/client-node.js'],
} as const;

type Program = keyof typeof programs;

/**
 * Starts each program, in turn, against a local server that answers the first request with 404, and notes when that
 * comes. Bare Node asks nothing: its time is until it has run its one line.
 */
export async function measureColdStart(root: StepRoot, { rounds, say, signal }: BenchOptions): Promise<Findings> {
  await root.writeAccount('default', 'a-token');
  const all = new Map<Program, Start[]>();
  const server = createServer({ key: root.certificate.key, cert: root.certificate.cert });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const names = Object.keys(programs) as Program[];
    const count = Math.max(rounds, leastRounds);
    for (let round = 0; round <= count; round++) {
      for (const name of names) {
        signal.throwIfAborted();
        const start = await measure(root, server, port, name);
        // The first round fills the page cache.
        if (round > 0) all.set(name, [...(all.get(name) ?? []), start]);
      }
    }
    say(`cold-start: ${names.length} programs, ${count} times each`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
  return { rows: rowsOf(all), notes: [], failures: [] };
}

async function measure(
  root: StepRoot,
  server: ReturnType<typeof createServer>,
  port: number,
  name: Program,
): Promise<Start> {
  const begin = performance.now();
  const child = root.start(programs[name], port);
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(child, 'close');
  const first = Promise.withResolvers<Start>();
  const note = async (): Promise<void> => {
    const ms = performance.now() - begin;
    first.resolve({ ms, memory: (await memoryOf(child.pid ?? 0)).peak });
  };
  server.removeAllListeners('request');
  server.on('request', (_request, response) => {
    void note()
      .catch(first.reject)
      .finally(() => {
        response.writeHead(404, { 'content-type': 'application/json' }).end('{"kind":"Status","code":404}');
      });
  });
  if (name === 'bare Node') child.stdout?.once('data', () => void note().catch(first.reject));
  void ended.then(() => first.reject(new Error(`${name} has made no request: ${said}`)));
  const start = await first.promise;
  child.stdin?.end();
  await ended;
  return start;
}

function rowsOf(all: ReadonlyMap<Program, readonly Start[]>): Row[] {
  const of = (name: Program, field: keyof Start): Samples => ({
    name,
    values: (all.get(name) ?? []).map((start) => start[field]),
  });
  const fast: [string, Judge] = ['at most 80 ms', ({ ours }) => ours <= 80];
  const small: [string, Judge] = ['at most 60 MiB', ({ ours }) => ours <= 60];
  const rows: Row[] = [];
  for (const [field, unit, goal, what] of [
    ['ms', 'ms', fast, 'from exec to the first API request'],
    ['memory', 'MiB', small, 'peak memory until the first API request'],
  ] as const) {
    for (const step of ['subpipe', 'subpipe-wait', 'subpipe-trigger'] as const) {
      rows.push(row(`${step}: ${what}`, unit, of(step, field), { peer: of('bare Node', field), goal }));
    }
    for (const peer of ['kubectl get', 'a step with all of client-node'] as const) {
      rows.push(row(`subpipe: ${what}`, unit, of('subpipe', field), { peer: of(peer, field) }));
    }
  }
  return rows;
}
