import assert from 'node:assert/strict';
import { type Running, runFile } from '../support/run-file.ts';
import { type Machine, makeMachine, type Outcome, result } from '../workspace/support.ts';

/** Where a machine's home is, for its processes. */
function homeOf(machine: Machine): Record<string, string> {
  return { HOME: machine.path, XDG_CACHE_HOME: `${machine.path}/.cache` };
}

/** `subpipe workspace …` as a process. */
export function start(machine: Machine, ...argv: string[]): Running {
  return runFile('kubectl/main.ts', ['workspace', ...argv], homeOf(machine));
}

/** What a process wrote, and its exit code. */
export async function workspace(
  machine: Machine,
  ...argv: string[]
): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const running = start(machine, ...argv);
  const code = await running.ended;
  return { code, stdout: running.stdout, stderr: running.stderr };
}

/** Standard output of a command that must end well. */
export async function output(machine: Machine, ...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await workspace(machine, ...argv);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** A machine whose pushes are a Task's. */
export function taskMachine(task: string, more: Record<string, string> = {}): Promise<Machine> {
  return makeMachine({ SUBPIPE_PIPELINE_TASK: task, ...more });
}

/** A good push's image by digest. */
export function imageOf(outcome: Outcome): string {
  assert.equal(outcome.code, 0, outcome.stderr);
  return result(outcome, 'image');
}
