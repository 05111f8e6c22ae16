import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { buffer } from 'node:stream/consumers';
import { bundleSteps } from '../../../images/bundle.ts';
import { ownPlatform } from '../../../images/platform.ts';
import { readProject } from '../../../images/project.ts';
import { stepEntries } from '../../../images/step-files.ts';
import { invalid } from '../../../runtime/errors.ts';

const step = 'pac-resolve';

/** Writes the files of the step's image below a folder. @returns the command that its launcher's first line is. */
export async function ownProgram(folder: string): Promise<string[]> {
  const platform = ownPlatform();
  if (platform === undefined)
    throw invalid('the bench runs on platforms that there are images for: Linux, amd64 or arm64');
  await bundleSteps([step], path.join(folder, 'bundles'), await readProject());
  for (const entry of await stepEntries(step, path.join(folder, 'bundles'), platform)) {
    if (entry.type !== 'file') continue;
    const file = path.join(folder, entry.path);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, await buffer(entry.open()));
  }
  const launcher = path.join(folder, 'subpipe', step);
  const [first = ''] = (await readFile(launcher, 'utf8')).split('\n', 1);
  // In the image the first line names /usr/bin/node, which is the npm package's, as here.
  return [process.execPath, ...first.split(' ').slice(1), launcher];
}
