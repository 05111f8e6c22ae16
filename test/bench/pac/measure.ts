import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { isFields } from '../../../runtime/shape.ts';
import { build, type GoModule, programsOf } from '../../cluster/build.ts';

const run = promisify(execFile);
const cache = path.join(import.meta.dirname, '../../../.cache');
const module: GoModule = { folder: '../../bench/pac/go/measure', output: 'bench-measure', target: '.', variables: {} };

/** What one run of a program has used. */
export interface Usage {
  /** s from its start to its end. */
  wall: number;
  /** s of CPU, its children included. */
  cpu: number;
  /** MiB that it had at its highest. */
  memory: number;
}

/** Runs a program to its end, its standard output in a file. */
export type Measure = (
  command: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; output: string; signal: AbortSignal },
) => Promise<Usage>;

/**
 * Builds the program that measures others: only who waits for a process itself is told what it has used, and Node does not pass it on.
 * @throws ClusterError where Go is missing.
 */
export async function measurer(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Measure> {
  await build(cache, module, { env, signal, note: () => {} });
  const program = path.join(programsOf(cache, module), 'measure');
  return async (command, { output, ...options }) => {
    const { stdout, stderr } = await run(program, [output, ...command], options);
    const usage: unknown = JSON.parse(stdout);
    if (!isFields(usage)) throw new Error('the measuring program has told nothing');
    const { wall, cpu, memory, exit } = usage;
    if (exit !== 0) throw new Error(`${command.join(' ')} has failed with ${exit}: ${stderr}`);
    return { wall: Number(wall), cpu: Number(cpu), memory: Number(memory) / 2 ** 20 };
  };
}
