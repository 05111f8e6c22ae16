import assert from 'node:assert/strict';
import { pacResolve } from '../../../steps/pac-resolve/step.ts';
import { makeFolder } from '../../support/folder.ts';
import { execute, type StepRun } from '../../support/step.ts';
import { type Parsed, parsedIn } from '../support/parsed.ts';

export { imagesOf } from '../support/parsed.ts';

export type Files = Record<string, string>;

async function resolve(files: Files, flags: readonly string[]): Promise<StepRun> {
  await using folder = await makeFolder(files);
  // Awaited here: the folder is gone with the end of this function.
  return await execute(pacResolve, [`--source=${folder.path}`, ...flags], { env: { HOME: folder.path } });
}

/** The runs of a repository of files. */
export async function runsOf(files: Files, ...flags: string[]): Promise<Parsed[]> {
  const { code, stdout, stderr } = await resolve(files, flags);
  assert.equal(code, 0, stderr);
  return parsedIn(stdout);
}

/** What is said of a repository that cannot be resolved; nothing else comes out. */
export async function failure(files: Files, ...flags: string[]): Promise<string> {
  const { code, stdout, stderr } = await resolve(files, flags);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
  assert.match(stderr, /^Error: /);
  return stderr;
}
