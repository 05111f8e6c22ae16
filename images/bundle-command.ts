import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exitCodeOf, explain } from '../runtime/errors.ts';
import { bundleCommand, bundleSteps, commandName } from './bundle.ts';
import { readProject, root, stepNames } from './project.ts';

/** `npm run build [-- STEP...]`: bundles the steps and the command subpipe to dist/NAME.js. @returns the exit code. */
export async function buildCommand(argv: string[]): Promise<number> {
  try {
    const names = argv.length > 0 ? argv : await stepNames();
    const project = await readProject();
    const dist = join(root, 'dist');
    await bundleSteps(names, dist, project);
    await bundleCommand(dist, project);
    // The package is modules; its bundles are CommonJS, which starts faster, and the library beside them is modules again.
    await writeType(dist, 'commonjs');
    await writeType(join(dist, 'lib'), 'module');
    for (const name of [...names, commandName]) process.stdout.write(`dist/${name}.js\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`build: ${explain(error)}\n`);
    return exitCodeOf(error);
  }
}

async function writeType(folder: string, type: 'commonjs' | 'module'): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ type })}\n`);
}
