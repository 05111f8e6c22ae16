import type { Log } from '../../runtime/log.ts';
import { createLog } from '../../runtime/log.ts';
import { runStep } from '../../runtime/main.ts';
import type { Params } from '../../runtime/params.ts';
import type { Results } from '../../runtime/results.ts';
import type { StepDefinition } from '../../runtime/step.ts';

/** What a step said and how it ended. */
export interface StepRun {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a step in this process, as its command would run. */
export async function execute<P extends Params, R extends Results>(
  step: StepDefinition<P, R>,
  argv: readonly string[],
  options: { env?: NodeJS.ProcessEnv; signal?: AbortSignal } = {},
): Promise<StepRun> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runStep(step, argv, {
    env: options.env ?? {},
    signal: options.signal ?? new AbortController().signal,
    stdout: (text) => out.push(text),
    stderr: (text) => err.push(text),
  });
  return { code, stdout: out.join(''), stderr: err.join('') };
}

/** A log that keeps its lines. */
export function memoryLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  return { log: createLog({ name: 'test', level: 'debug', write: (line) => lines.push(line.trimEnd()) }), lines };
}
