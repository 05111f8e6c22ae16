import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isFields } from '../../runtime/shape.ts';
import { ociWorkspacePull } from '../../steps/oci-workspace-pull/step.ts';
import { ociWorkspacePush } from '../../steps/oci-workspace-push/step.ts';
import { type Folder, makeFolder } from '../support/folder.ts';
import { type Running, runFile } from '../support/run-file.ts';
import { execute } from '../support/step.ts';

/** What a step said, and its results. */
export interface Outcome {
  code: number;
  results: Record<string, unknown>;
  stdout: string;
  stderr: string;
}

/** A machine of its own: a home with what is kept of workspaces, and some workspaces. */
export interface Machine extends Folder {
  /** Full path of a workspace, made where it is not there. */
  workspace(name: string, files?: Record<string, string>): string;
  /** Runs the step in this process. */
  push(workspace: string, ...flags: string[]): Promise<Outcome>;
  pull(workspace: string, ...flags: string[]): Promise<Outcome>;
  /** Runs the step as a process of its own. */
  start(step: 'push' | 'pull', workspace: string, ...flags: string[]): Running;
}

export async function makeMachine(env: Record<string, string> = {}): Promise<Machine> {
  const folder = await makeFolder();
  const home = { HOME: folder.path, XDG_CACHE_HOME: path.join(folder.path, '.cache'), ...env };
  const argv = (workspace: string, flags: readonly string[]): string[] => [
    `--state-folder=${path.join(folder.path, '.state')}`,
    `--folder=${path.join(folder.path, workspace)}`,
    ...flags,
  ];
  return {
    ...folder,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    workspace(name, files = {}) {
      const full = path.join(folder.path, name);
      mkdirSync(full, { recursive: true });
      fill(full, files);
      return full;
    },
    start: (step, workspace, ...flags) => runFile(`steps/oci-workspace-${step}/main.ts`, argv(workspace, flags), home),
    push: async (workspace, ...flags) =>
      withResults(await execute(ociWorkspacePush, argv(workspace, flags), { env: home })),
    pull: async (workspace, ...flags) =>
      withResults(await execute(ociWorkspacePull, argv(workspace, flags), { env: home })),
  };
}

/** What a process said when it has ended. */
export async function ended(running: Running): Promise<Outcome> {
  const code = await running.ended;
  const { stdout, stderr } = running;
  return withResults({ code: typeof code === 'number' ? code : -1, stdout, stderr });
}

function withResults(run: { code: number; stdout: string; stderr: string }): Outcome {
  const last = run.stdout.trimEnd().split('\n').at(-1) ?? '';
  const value: unknown = last.startsWith('{') ? JSON.parse(last) : {};
  return { ...run, results: isFields(value) ? value : {} };
}

/** An outcome that must be good. */
export async function good(outcome: Promise<Outcome>): Promise<Outcome> {
  const run = await outcome;
  assert.equal(run.code, 0, run.stderr);
  return run;
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
