import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { rbacOf, stepActionOf, taskOf } from '../runtime/manifest.ts';
import type { StepDefinition } from '../runtime/step.ts';
import { formatYaml } from '../runtime/yaml.ts';
import { steps } from '../steps/index.ts';
import { examplesOf } from './examples.ts';
import { tablesOf } from './tables.ts';

const root = path.join(import.meta.dirname, '..');

/** Every generated file, by its path in the project. READMEs are written by hand but for their tables. */
export async function generated(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const step of steps) {
    const folder = `tasks/${step.name}`;
    files.set(`${folder}/${step.name}.yaml`, await document(step, [taskOf(step)]));
    files.set(`${folder}/stepaction.yaml`, await document(step, [stepActionOf(step)]));
    if (step.rbac !== undefined) files.set(`${folder}/rbac.yaml`, await document(step, rbacOf(step)));
    files.set(`${folder}/README.md`, await readme(step));
  }
  return new Map([...files, ...(await examplesOf(files))]);
}

async function document(step: StepDefinition, manifests: unknown[]): Promise<string> {
  const head = `# Generated from steps/${step.name}/step.ts by "npm run generate": change it there.\n`;
  return head + (await Promise.all(manifests.map(formatYaml))).join('---\n');
}

const marks = { begin: '<!-- generated: begin -->', end: '<!-- generated: end -->' };

async function readme(step: StepDefinition): Promise<string> {
  const file = path.join(root, 'tasks', step.name, 'README.md');
  const present = await readFile(file, 'utf8').catch(
    () => `# ${step.name}\n\n${step.summary}\n\n${marks.begin}\n${marks.end}\n`,
  );
  const begin = present.indexOf(marks.begin);
  const end = present.indexOf(marks.end);
  if (begin < 0 || end < begin) throw new Error(`${file} must have the lines ${marks.begin} and ${marks.end}`);
  return `${present.slice(0, begin)}${marks.begin}\n\n${tablesOf(step)}\n${present.slice(end)}`;
}

/** Writes what differs, or with `check` only tells. Gives the paths that differed. */
export async function generate(check: boolean): Promise<string[]> {
  const differing: string[] = [];
  for (const [name, text] of await generated()) {
    const file = path.join(root, name);
    const present = await readFile(file, 'utf8').catch(() => undefined);
    if (present === text) continue;
    differing.push(name);
    if (check) continue;
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return differing;
}
