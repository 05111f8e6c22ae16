import { join } from 'node:path';
import { exitCodeOf, explain } from '../runtime/errors.ts';
import { bundleCommand, bundleSteps, commandName } from './bundle.ts';
import { readProject, root, stepNames } from './project.ts';

/** `npm run build [-- STEP...]`: bundles the steps and the command subpipe to dist/NAME.cjs. @returns the exit code. */
export async function buildCommand(argv: string[]): Promise<number> {
  try {
    const names = argv.length > 0 ? argv : await stepNames();
    const project = await readProject();
    await bundleSteps(names, join(root, 'dist'), project);
    await bundleCommand(join(root, 'dist'), project);
    for (const name of [...names, commandName]) process.stdout.write(`dist/${name}.cjs\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`build: ${explain(error)}\n`);
    return exitCodeOf(error);
  }
}
