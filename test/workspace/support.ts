import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Folder, makeFolder } from '../support/folder.ts';
import { type Running, runFile } from '../support/run-file.ts';

/** What a step said, and its results. */
export interface Outcome {
  code: number | string;
  results: Record<string, unknown>;
  stdout: string;
  stderr: string;
}

/** A machine of its own: a home with what is kept of workspaces, and some workspaces. */
export interface Machine extends Folder {
  /** Full path of a workspace, made where it is not there. */
  workspace(name: string): string;
  push(workspace: string, ...flags: string[]): Promise<Outcome>;
  pull(workspace: string, ...flags: string[]): Promise<Outcome>;
  /** Starts a step, as a process. */
  start(step: 'push' | 'pull', workspace: string, ...flags: string[]): Running;
}

export async function makeMachine(env: Record<string, string> = {}): Promise<Machine> {
  const folder = await makeFolder();
  const start = (step: 'push' | 'pull', workspace: string, ...flags: string[]): Running => {
    const argv = [`--folder=${path.join(folder.path, workspace)}`, ...flags];
    const home = { HOME: folder.path, XDG_CACHE_HOME: path.join(folder.path, '.cache') };
    const kept = `--state-folder=${path.join(folder.path, '.state')}`;
    return runFile(`steps/oci-workspace-${step}/main.ts`, [kept, ...argv], { ...home, ...env });
  };
  const run = async (step: 'push' | 'pull', workspace: string, flags: string[]): Promise<Outcome> => {
    const running = start(step, workspace, ...flags);
    const code = await running.ended;
    const last = running.stdout.trimEnd().split('\n').at(-1) ?? '';
    const results: Record<string, unknown> = last.startsWith('{') ? JSON.parse(last) : {};
    return { code, results, stdout: running.stdout, stderr: running.stderr };
  };
  return {
    ...folder,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    workspace(name) {
      const full = path.join(folder.path, name);
      mkdirSync(full, { recursive: true });
      return full;
    },
    start,
    push: (workspace, ...flags) => run('push', workspace, flags),
    pull: (workspace, ...flags) => run('pull', workspace, flags),
  };
}

/** An outcome that must be good. */
export async function good(outcome: Promise<Outcome>): Promise<Outcome> {
  const ended = await outcome;
  assert.equal(ended.code, 0, ended.stderr);
  return ended;
}

/** A result that is a text. */
export function result({ results }: Outcome, name: string): string {
  const value = results[name];
  assert.equal(typeof value, 'string', `the result ${name} of ${JSON.stringify(results)}`);
  return String(value);
}

/** Writes files below a folder. */
export function fill(root: string, files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}
