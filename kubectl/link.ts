import { mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';

/**
 * Makes `npx subpipe` work in a clone of the project, from any of its folders: npm links the programs of the packages that a project
 * depends on, but not its own, and `npx` finds the name of the package and then no program.
 * @param project the folder of package.json
 */
export async function linkProgram(project: string): Promise<void> {
  const folder = path.join(project, 'node_modules/.bin');
  await mkdir(folder, { recursive: true });
  const link = path.join(folder, 'subpipe');
  await rm(link, { force: true });
  await symlink('../../dist/kubectl-subpipe.js', link);
}
