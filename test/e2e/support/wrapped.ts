import assert from 'node:assert/strict';
import path from 'node:path';
import process from 'node:process';
import type { PipelineRun } from '../../../runtime/tekton/types.ts';
import { pullWorkspace } from '../../../runtime/workspace/pull.ts';
import { scratch } from '../../oci/helpers.ts';
import { memoryLog } from '../../support/step.ts';
import { apply } from './apply.ts';
import { subpipe } from './command.ts';
import { context } from './context.ts';
import { ended } from './runs.ts';

/** The registry of the tests, which speaks plain HTTP. */
export const registry = context.imagePrefix.split('/')[0] ?? '';

/** The steps' images, for `--images`. */
export const images = `${context.imagePrefix}/{{step}}:${context.imageTag}`;

/** Ms for a run: other tests may have the machine to themselves as well. */
export const ms = 400_000;

/** What images of the tests' registry have, as files in a folder. */
export async function pulled(...sources: string[]): Promise<string> {
  const folder = path.join(await scratch(), 'workspace');
  const stateFolder = await scratch();
  const { log } = memoryLog();
  await pullWorkspace({ folder, sources, stateFolder, registries: { insecure: [registry] }, env: process.env, log });
  return folder;
}

/** One step that runs `text` in the workspace `w`. */
export function step(name: string, text: string, more = ''): string {
  return `\n    - {name: ${name}, image: SHELL_IMAGE, command: [sh, -ec], args: [${JSON.stringify(`cd $(workspaces.w.path); ${text}`)}]${more}}`;
}

/** One task with the workspace `w` and these steps, and what else it and its Task have. */
export function steps(name: string, list: string[], more = '', spec = ''): string {
  return `
- name: ${name}
  workspaces: [{name: w}]
${more.replace(/^(?=.)/gm, '  ')}
  taskSpec:
    workspaces: [{name: w}]
${spec.replace(/^(?=.)/gm, '    ')}
    steps:${list.join('')}`;
}

/** {@link steps} with one step, which runs `text`. */
export function script(name: string, text: string, more = '', spec = ''): string {
  return steps(name, [step('run', text)], more, spec);
}

/** A Pipeline with the workspace `w`. */
export function pipeline(name: string, tasks: string[], last: string[] = []): string {
  const list = (field: string, of: string[]) =>
    of.length === 0 ? '' : `  ${field}:${of.join('').replace(/^/gm, '  ')}\n`;
  return `
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: ${name}}
spec:
  workspaces: [{name: w}]
${list('tasks', tasks)}${list('finally', last)}`;
}

/** Where `subpipe wrap` is told to put images, of runs in a namespace. */
export function targetIn(namespace: string): string {
  return `${registry}/${namespace}/$(context.run.name)-{{workspace}}:latest`;
}

/** Runs a Pipeline of a namespace with its workspace `w` bound to an emptyDir, wrapped by the command, to its end. */
export async function runWrapped(
  namespace: string,
  name: string,
  flags: readonly string[] = [],
  target = targetIn(namespace),
): Promise<PipelineRun> {
  const run = {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { name },
    spec: { pipelineRef: { name }, workspaces: [{ name: 'w', emptyDir: {} }] },
  };
  const wrap = ['wrap', '-f', '-', '-n', namespace, '--images', images, '--insecure', registry, '--target', target];
  const wrapped = await subpipe([...wrap, ...flags], JSON.stringify(run));
  assert.equal(wrapped.code, 0, wrapped.stderr);
  await apply(namespace, wrapped.stdout);
  return ended(namespace, name, ms);
}
