import { execFile } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

const root = path.join(import.meta.dirname, '..');

/** Copies of generated Tasks: a repository that keeps our Task beside its own files. The path of the copy, and whose it is. */
const copies = [{ file: 'examples/pac-repo/ci/subpipe.yaml', of: 'tasks/subpipe/subpipe.yaml' }];

/** Tasks that `subpipe stub` makes of a Pipeline beside them, with the command of the example's README. */
const stubs = [{ file: 'examples/main-tests-deploy/pipelines/tests-task.yaml', argv: ['tests', '--file=tests.yaml'] }];

/** The generated files of the examples, by their path in the project; `tasks` are those below tasks/. */
export async function examplesOf(tasks: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const { file, of } of copies) {
    const text = tasks.get(of);
    if (text === undefined) throw new Error(`${file} is a copy of ${of}, which is not generated`);
    files.set(file, text);
  }
  for (const { file, argv } of stubs) files.set(file, await stub(path.join(root, path.dirname(file)), argv));
  return files;
}

/** As a process in the folder: the Task says by which command it was made, and files are relative to where that is run. */
async function stub(cwd: string, argv: readonly string[]): Promise<string> {
  const command = path.join(root, 'kubectl/main.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [command, 'stub', ...argv], { cwd });
  return stdout;
}
