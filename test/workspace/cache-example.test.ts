import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { type Fields, fieldsOf, isFields } from '../../runtime/shape.ts';
import { parseYaml } from '../../runtime/yaml.ts';
import { objectsOf, wrongCallsIn } from '../docs/calls.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { filesNamed, root } from '../support/markdown.ts';
import { ended, good, type Machine, makeMachine, type Outcome, result } from './support.ts';

const folder = 'examples/oci-cache';
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

for (const example of [folder, 'examples/oci-chain']) {
  test(`${example} gives our StepActions what they take`, async () => {
    const files = await filesNamed('.yaml', example);
    assert.deepEqual(await wrongCallsIn(await objectsOf(files.map((where) => ({ text: read(where), where })))), []);
  });
}

test('the steps of examples/oci-cache, as its README says: miss, hit, and partial with another lock', async () => {
  await using registry = await FakeRegistry.start();
  const cache = `${registry.host}/team/cache`;
  const runs = [];
  for (const lock of ['left-pad right-pad', 'left-pad right-pad', 'left-pad right-pad center-pad']) {
    // Each run is a pod of its own.
    await using machine = await makeMachine();
    const { restore, save, log } = await runTask(machine, { lock, cache, insecure: '' });
    runs.push({ cache: result(restore, 'cache'), saved: result(save, 'cache'), fetched: log.match(/fetching \S+/g) });
    assert.match(log, new RegExp(`${lock.replaceAll(' ', '\n')}\n$`), 'the build had all of it');
  }
  assert.deepEqual(runs, [
    { cache: 'miss', saved: 'saved', fetched: ['fetching left-pad', 'fetching right-pad'] },
    { cache: 'hit', saved: 'there', fetched: null },
    { cache: 'partial', saved: 'saved', fetched: ['fetching center-pad'] },
  ]);
});

/** Runs the steps of the Task one after the other: ours as processes, the others' commands as they are. */
async function runTask(machine: Machine, params: Record<string, string>) {
  const workspace = machine.workspace('source');
  const fill = (text: string) =>
    text
      .replaceAll('$(workspaces.source.path)', workspace)
      .replaceAll(/\$\(params\.([\w-]+)\)/g, (_, name: string) => params[name] ?? '');
  const outcomes = new Map<string, Outcome>();
  let log = '';
  for (const step of await stepsOf()) {
    if (isFields(step.ref)) {
      const [, kind] = /^oci-workspace-(pull|push)$/.exec(String(step.ref.name)) ?? [];
      assert.ok(kind === 'pull' || kind === 'push');
      const running = machine.start(kind, 'source', ...flagsOf(listOf(step.params), fill));
      outcomes.set(String(step.name), await good(ended(running)));
      continue;
    }
    const env = Object.fromEntries(listOf(step.env).map(({ name, value }) => [String(name), fill(String(value))]));
    const [command = '', ...argv] = Array.isArray(step.command) ? step.command.map((word) => fill(String(word))) : [];
    const options = { cwd: workspace, env: { PATH: process.env.PATH ?? '', ...env } };
    log += (await promisify(execFile)(command, argv, options)).stdout;
  }
  const [restore, save] = [outcomes.get('restore'), outcomes.get('save')];
  assert.ok(restore !== undefined && save !== undefined);
  return { restore, save, log };
}

async function stepsOf(): Promise<Fields[]> {
  const task = fieldsOf(await parseYaml(read(`${folder}/task.yaml`), 'task.yaml'), 'task.yaml');
  return listOf(fieldsOf(task.spec, 'spec').steps);
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function flagsOf(params: readonly Fields[], fill: (text: string) => string): string[] {
  const flags: string[] = [];
  const list: string[] = [];
  for (const { name, value } of params) {
    if (Array.isArray(value)) list.push(...value.map((one) => fill(String(one))));
    else if (name !== 'folder') flags.push(`--${String(name)}=${fill(String(value))}`);
  }
  return [...flags, ...(list.length > 0 ? ['--', ...list] : [])];
}
