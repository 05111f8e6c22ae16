import { join } from 'node:path';
import { exitCodeOf, explain } from '../runtime/errors.ts';
import { bundleSteps } from './bundle.ts';
import { readProject, root, stepNames } from './project.ts';

/** `npm run build [-- STEP...]`: bundles the steps to dist/NAME.cjs. @returns the exit code. */
export async function buildCommand(argv: string[]): Promise<number> {
  try {
    const names = argv.length > 0 ? argv : await stepNames();
    await bundleSteps(names, join(root, 'dist'), await readProject());
    for (const name of names) process.stdout.write(`dist/${name}.cjs\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`build: ${explain(error)}\n`);
    return exitCodeOf(error);
  }
}
