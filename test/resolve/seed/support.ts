import assert from 'node:assert/strict';
import { parseYamlAll } from '../../../runtime/yaml.ts';
import { pacResolve } from '../../../steps/pac-resolve/step.ts';
import { makeFolder } from '../../support/folder.ts';
import { execute, type StepRun } from '../../support/step.ts';

export type Files = Record<string, string>;

async function resolve(files: Files, flags: readonly string[]): Promise<StepRun> {
  await using folder = await makeFolder(files);
  // Awaited here: the folder is gone with the end of this function.
  return await execute(pacResolve, [`--source=${folder.path}`, ...flags], { env: { HOME: folder.path } });
}

/** The runs of a repository of files. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into resolved objects
export async function runsOf(files: Files, ...flags: string[]): Promise<any[]> {
  const { code, stdout, stderr } = await resolve(files, flags);
  assert.equal(code, 0, stderr);
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return (await parseYamlAll(stdout, 'stdout')) as any[];
}

/** What is said of a repository that cannot be resolved; nothing else comes out. */
export async function failure(files: Files, ...flags: string[]): Promise<string> {
  const { code, stdout, stderr } = await resolve(files, flags);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
  assert.match(stderr, /^Error: /);
  return stderr;
}

/** The images of the first steps of a run's embedded tasks, by the tasks' names. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export function imagesOf(run: any): Record<string, string | undefined> {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return Object.fromEntries(run.spec.pipelineSpec.tasks.map((one: any) => [one.name, one.taskSpec?.steps[0].image]));
}
