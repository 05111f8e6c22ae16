import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const file = join(import.meta.dirname, 'launcher.cjs');

/** Steps that run with another flag of Node than launcher.cjs has. One, as the kernel takes all of a first line as one word. */
const flags: Readonly<Record<string, string>> = {
  // A tree is many small things that stay: larger spaces for new ones cost 60 MiB and save no time.
  'oci-workspace-pull': '--max-semi-space-size=2',
  'oci-workspace-push': '--max-semi-space-size=2',
};

/** The program of a step's image. */
export async function launcherOf(step: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  const flag = flags[step];
  return flag === undefined ? text : text.replace(flagIn(text), flag);
}

/** The flag of Node in a launcher's first line. */
export function flagIn(launcher: string): string {
  const [first = ''] = launcher.split('\n', 1);
  return first.slice(first.indexOf(' ') + 1);
}
