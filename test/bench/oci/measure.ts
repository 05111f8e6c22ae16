import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { childrenCpu } from '../subpipe/step-root.ts';

/** What a command took. */
export interface Use {
  /** Seconds of wall time. */
  wall: number;
  /** Seconds of CPU of all its processes. */
  cpu: number;
  /** MiB of memory of all its processes together, at the highest. */
  memory: number;
}

export interface Command {
  argv: readonly [string, ...string[]];
  env?: NodeJS.ProcessEnv;
}

/** How often memory is looked at. The kernel keeps each process's own peak, so only the last growth is missed. */
const sampleMs = 25;

/** Runs a command, and nothing else of this process. @throws Error with what it said when it fails. */
export async function measure({ argv, env }: Command, signal: AbortSignal): Promise<Use & { stdout: string }> {
  const [program, ...args] = argv;
  const before = await childrenCpu();
  const begin = performance.now();
  const child = spawn(program, args, { env: env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'], signal });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] = (said[name] + text).slice(-65536);
    });
  }
  let memory = 0;
  const look = (): void => {
    if (child.pid !== undefined) memory = Math.max(memory, peakOf(child.pid));
  };
  const timer = setInterval(look, sampleMs);
  try {
    const [code] = await once(child, 'close');
    const wall = (performance.now() - begin) / 1000;
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${said.stderr.slice(-2000)}`);
    return { wall, cpu: (await childrenCpu()) - before, memory, stdout: said.stdout };
  } finally {
    clearInterval(timer);
  }
}

/** MiB: the peaks of a process and its children, of those that are there now. */
function peakOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const own = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return children.reduce((sum, child) => sum + peakOf(Number(child)), own);
  } catch {
    return 0; // it has just ended
  }
}
