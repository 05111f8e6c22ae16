import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Fields, fieldsOf, isFields } from '../../runtime/shape.ts';
import { parseYaml } from '../../runtime/yaml.ts';
import { root } from '../support/markdown.ts';
import { ended, good, type Machine, type Outcome } from './support.ts';

/** What a Task of an example has done. */
export interface TaskOutcome {
  /** Of our steps, by name. */
  steps: Map<string, Outcome>;
  /** What the others have written. */
  log: string;
  results: Record<string, string>;
}

/** The fields of a file of the project. */
export async function fieldsIn(file: string): Promise<Fields> {
  return fieldsOf(await parseYaml(readFileSync(path.join(root, file), 'utf8'), file), file);
}

/**
 * Runs the steps of an example's Task one after the other, on this machine as in a pod of its own: ours as processes, the others'
 * commands as they are. Its workspace is called `source`.
 */
export async function runTask(
  machine: Machine,
  file: string,
  params: Readonly<Record<string, string | readonly string[]>>,
): Promise<TaskOutcome> {
  const workspace = machine.workspace('source');
  const resultFolder = path.join(machine.path, '.results');
  mkdirSync(resultFolder, { recursive: true });
  const fill = (value: unknown): string =>
    String(value)
      .replaceAll('$(workspaces.source.path)', workspace)
      .replaceAll('/tekton/home', machine.path)
      .replaceAll(/\$\(results\.([\w-]+)\.path\)/g, (_, name: string) => path.join(resultFolder, name))
      .replaceAll(/\$\(params\.([\w-]+)\)/g, (_, name: string) => String(params[name] ?? ''));
  const outcome: TaskOutcome = { steps: new Map(), log: '', results: {} };
  const spec = fieldsOf((await fieldsIn(file)).spec, 'spec');
  for (const step of listOf(spec.steps)) {
    if (isFields(step.ref)) {
      const [, kind] = /^oci-workspace-(pull|push)$/.exec(String(step.ref.name)) ?? [];
      assert.ok(kind === 'pull' || kind === 'push');
      const running = machine.start(kind, 'source', ...flagsOf(listOf(step.params), params, fill));
      outcome.steps.set(String(step.name), await good(ended(running)));
      continue;
    }
    const env = Object.fromEntries(listOf(step.env).map(({ name, value }) => [String(name), fill(value)]));
    const [command = '', ...argv] = [step.command, step.args].flatMap((words) =>
      Array.isArray(words) ? words.map(fill) : [],
    );
    const options = { cwd: workspace, env: { PATH: process.env.PATH ?? '', ...env } };
    outcome.log += (await promisify(execFile)(command, argv, options)).stdout;
  }
  for (const { name, value } of listOf(spec.results)) {
    const [, step = '', result = ''] = /^\$\(steps\.([\w-]+)\.results\.([\w-]+)\)$/.exec(String(value)) ?? [];
    const isOwn = value === undefined;
    outcome.results[String(name)] = isOwn
      ? readFileSync(path.join(resultFolder, String(name)), 'utf8')
      : String(outcome.steps.get(step)?.results[result]);
  }
  return outcome;
}

export function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function flagsOf(
  given: readonly Fields[],
  params: Readonly<Record<string, string | readonly string[]>>,
  fill: (value: unknown) => string,
): string[] {
  const flags: string[] = [];
  const list: string[] = [];
  for (const { name, value } of given) {
    const [, whole = ''] = /^\$\(params\.([\w-]+)\[\*\]\)$/.exec(String(value)) ?? [];
    const items = Array.isArray(value) ? value : params[whole];
    if (Array.isArray(items)) list.push(...items.map(fill));
    else if (name !== 'folder') flags.push(`--${String(name)}=${fill(value)}`);
  }
  return [...flags, ...(list.length > 0 ? ['--', ...list] : [])];
}
