import { mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { invalid } from '../runtime/errors.ts';

/** A file or folder as the steps' source `file` takes it: relative to the folder that it may not leave. */
export interface SourceFile extends AsyncDisposable {
  folder: string;
  file: string;
}

/** The file that `-f` names; `-` is standard input, which is kept in a folder of its own until it is disposed of. */
export async function sourceFile(name: string, stdin: () => Promise<string>): Promise<SourceFile> {
  if (name === '-') {
    const folder = await mkdtemp(path.join(tmpdir(), 'subpipe-'));
    await writeFile(path.join(folder, 'stdin.yaml'), await stdin());
    const dispose = () => rm(folder, { recursive: true, force: true });
    return { folder, file: 'stdin.yaml', [Symbol.asyncDispose]: dispose };
  }
  const at = await realpath(name).catch((cause) => {
    throw invalid(`the file ${name} cannot be read`, { cause });
  });
  const [folder, file] = (await stat(at)).isDirectory() ? [at, '.'] : [path.dirname(at), path.basename(at)];
  return { folder, file, [Symbol.asyncDispose]: async () => {} };
}
