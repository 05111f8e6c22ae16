import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { cacheFolder } from '../../../images/project.ts';
import { type Parsed, parsedIn } from '../support/parsed.ts';

export { imagesOf } from '../support/parsed.ts';

const program = path.resolve(import.meta.dirname, '../../../steps/pac-resolve/main.ts');

/** What a command said and how it ended. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** In place of what the test's own environment has: only PATH comes from there. */
  env?: Record<string, string>;
  input?: string;
}

/** The command line that starts the program. */
export const commandLine: readonly [string, string] = [process.execPath, program];

/** The environment of a command: nobody's home, no cluster, no proxy. */
export function environment(cwd: string, env: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: path.join(cwd, '.home'),
    // A file has many commands: what is compiled for one is kept for the next.
    NODE_COMPILE_CACHE: path.join(cacheFolder, 'compiled'),
    ...env,
  };
}

/** Runs the command as a process of its own in a folder. */
export async function resolve(cwd: string, argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = spawn(commandLine[0], [commandLine[1], ...argv], { cwd, env: environment(cwd, options.env) });
  child.stdin.end(options.input ?? '');
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: Number(code), stdout, stderr };
}

/** The objects that a command has printed. @throws where it has failed. */
export async function objects(cwd: string, argv: readonly string[], options: RunOptions = {}): Promise<Parsed[]> {
  const { code, stdout, stderr } = await resolve(cwd, argv, options);
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  return parsedIn(stdout);
}

/** The one sentence of a command that refuses. @throws where it does not, or says more. */
export async function refusal(cwd: string, argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await resolve(cwd, argv, options);
  if (code !== 1 || stdout !== '' || !stderr.startsWith('Error: ')) {
    throw new Error(`exit code ${code}, expected 1 and "Error: …":\n${stdout}\n${stderr}`);
  }
  return stderr;
}
