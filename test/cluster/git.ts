import { stat } from 'node:fs/promises';
import type { ImageFile } from './image.ts';
import { run } from './process.ts';

/** git, and its program for HTTP, as the base image of Tekton's releases has them. */
const programs = ['/usr/bin/git', '/usr/lib/git-core/git-remote-http'];

/** The machine's git with the libraries that it is linked to: Tekton's git resolver runs it. */
export async function gitFiles(): Promise<ImageFile[]> {
  const linked = await Promise.all(programs.map((program) => run('ldd', [program])));
  const libraries = linked.flatMap((text) =>
    [...text.matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap(([, path]) => path ?? []),
  );
  const paths = [...new Set([...programs, ...libraries])];
  return paths.map((path) => ({ path: path.slice(1), source: path }));
}

/** Tells one version of files from another. */
export async function stampOf(files: readonly ImageFile[]): Promise<string> {
  const stamps = files.map(async (file) =>
    'source' in file ? `${file.path} ${(await stat(file.source)).mtimeMs}` : file.path,
  );
  return (await Promise.all(stamps)).join('\n');
}
