import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { bundleSteps } from '../../../images/bundle.ts';
import { flagIn } from '../../../images/launcher.ts';
import { ownPlatform } from '../../../images/platform.ts';
import { readProject, stepNames } from '../../../images/project.ts';
import { stepEntries } from '../../../images/step-files.ts';
import { invalid } from '../../../runtime/errors.ts';
import { findProgram } from '../../cluster/requirements.ts';
import { buildOras } from '../../oci/oras.ts';
import { buildRegistry } from '../../oci/real-registry.ts';

/** The programs that are measured: ours, and what people use today. */
export interface Programs {
  /** What comes before the flags of our steps. */
  push: readonly [string, ...string[]];
  pull: readonly [string, ...string[]];
  oras: string;
  crane: string;
}

/** Programs of the machine that the peers are made of. */
const needed = ['bash', 'tar', 'gzip', 'zstd', 'curl', 'sha256sum', 'mkfs.ext4', 'mount', 'umount'];

/** Builds what there is to build, once. @throws SubpipeError `INVALID` where a program is missing. */
export async function preparePrograms(folder: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Programs> {
  for (const program of needed) {
    if ((await findProgram(program, env)) !== undefined) continue;
    throw invalid(`the program ${program} is missing, which peers are made of`, {
      hint: 'On Debian: apt-get install bash tar gzip zstd curl coreutils e2fsprogs mount.',
    });
  }
  const steps = await writeSteps(folder);
  // In the image the first line names /usr/bin/node, which is the npm package's, as here.
  const step = async (name: string) => {
    const launcher = join(steps, name);
    return [process.execPath, flagIn(await readFile(launcher, 'utf8')), launcher] as const;
  };
  return {
    push: await step('oci-workspace-push'),
    pull: await step('oci-workspace-pull'),
    oras: await buildOras(env, signal),
    crane: await buildRegistry('crane'),
  };
}

/** The files of our steps as they are in their images: bundles, and the compiled code beside them. */
async function writeSteps(folder: string): Promise<string> {
  const bundles = join(folder, 'bundles');
  await bundleSteps(await stepNames(), bundles, await readProject());
  const root = join(folder, 'image');
  const platform = ownPlatform();
  for (const name of ['oci-workspace-push', 'oci-workspace-pull']) {
    const entries = platform === undefined ? [] : await stepEntries(name, bundles, platform);
    for (const entry of entries) {
      if (entry.type !== 'file') continue;
      const path = join(root, entry.path);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, entry.open(), { mode: entry.mode ?? 0o644 });
    }
  }
  const steps = join(root, 'subpipe');
  await stat(join(steps, 'oci-workspace-push'));
  return steps;
}
