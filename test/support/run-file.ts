import { type ChildProcess, spawn } from 'node:child_process';

/** A process of a test, with what it has written so far. */
export interface Running {
  child: ChildProcess;
  stdout: string;
  stderr: string;
  /** Exit code, or the signal that ended it. */
  ended: Promise<number | string>;
}

/** Runs a TypeScript file with this Node. The environment is only what is given, and PATH. */
export function runFile(file: string, argv: readonly string[], env: Record<string, string> = {}): Running {
  return start([file, ...argv], env);
}

/** Runs a module's text with this Node; imports are relative to the project's folder. */
export function runText(text: string, env: Record<string, string> = {}): Running {
  return start(['--input-type=module-typescript', '--eval', text], env);
}

function start(argv: readonly string[], env: Record<string, string>): Running {
  const child = spawn(process.execPath, argv, {
    cwd: new URL('../..', import.meta.url),
    env: { PATH: process.env.PATH ?? '', NODE_NO_WARNINGS: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const running: Running = {
    child,
    stdout: '',
    stderr: '',
    ended: new Promise((resolve, reject) => {
      child.on('error', reject).on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    }),
  };
  child.stdout.on('data', (chunk: Buffer) => {
    running.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    running.stderr += chunk.toString();
  });
  return running;
}
