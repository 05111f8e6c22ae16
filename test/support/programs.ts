import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { cacheFolder } from '../../images/project.ts';
import { root } from './markdown.ts';

/**
 * A folder for PATH in which `npx subpipe` and `kubectl subpipe` are those of this working tree, as npm gives them to users.
 * @param folder where it is made; it goes with that
 * @returns the value of PATH
 */
export async function pathWithSubpipe(folder: string): Promise<string> {
  const bin = path.join(folder, '.bin');
  await mkdir(bin, { recursive: true });
  // A page has many commands: what is compiled for one is kept for the next.
  const compiled = `export NODE_COMPILE_CACHE='${path.join(cacheFolder, 'compiled')}'\n`;
  const subpipe = `${compiled}exec '${process.execPath}' '${path.join(root, 'kubectl/main.ts')}' "$@"\n`;
  const npx = `#!/bin/sh\nif [ "$1" != subpipe ]; then echo "the tests have no $1" >&2; exit 127; fi\nshift\n${subpipe}`;
  await writeFile(path.join(bin, 'npx'), npx, { mode: 0o755 });
  await writeFile(path.join(bin, 'kubectl-subpipe'), `#!/bin/sh\n${subpipe}`, { mode: 0o755 });
  return `${bin}:${process.env.PATH}`;
}

/** The lines of a shell block, with those that end in a backslash joined to the next. */
export function commandLines(text: string): string[] {
  const lines = text.replaceAll(/\\\n\s*/g, ' ').split('\n');
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
}
