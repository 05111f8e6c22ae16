import { execFile } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { context } from './context.ts';

/** What a process wrote and how it ended. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

const root = path.join(import.meta.dirname, '../../..');

/** Runs a program in the project's folder, or in another, to its end, with `input` on its standard input. */
export function execute(
  program: string,
  argv: readonly string[],
  options: { input?: string | undefined; env?: NodeJS.ProcessEnv; folder?: string } = {},
): Promise<Ended> {
  const { input = '', env = {}, folder = root } = options;
  return new Promise((resolve, reject) => {
    const settings = { cwd: folder, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(program, argv, settings, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
    child.stdin?.end(input);
  });
}

/** Runs the command `subpipe` from its source. */
export function subpipe(argv: readonly string[], input?: string): Promise<Ended> {
  return execute(process.execPath, ['kubectl/main.ts', ...argv], { input });
}

/** Runs kubectl against the cluster of the tests. @throws Error with what it said where it fails. */
export async function kubectl(argv: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await execute('kubectl', ['--kubeconfig', context.kubeconfig, ...argv], {
    input,
  });
  if (code !== 0) throw new Error(`kubectl ${argv.join(' ')} exited with ${code}: ${stderr}`);
  return stdout;
}

/** The image of a step as the tests have it. */
export function imageOf(step: string): string {
  return `${context.imagePrefix}/${step}:${context.imageTag}`;
}
