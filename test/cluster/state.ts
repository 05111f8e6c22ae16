import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClusterError, codeOf } from './errors.ts';
import { filesOf } from './settings.ts';

// In the folder of logs, as that is what stays.
const markerOf = (state: string) => join(filesOf(state).logs, '.subpipe-cluster');

/**
 * Makes the state folder ready for a new cluster.
 * @throws ClusterError where the folder holds somebody else's files
 */
export async function prepareState(state: string): Promise<void> {
  const entries = await entriesOf(state);
  if (entries.length > 0 && !(await isOurs(state))) {
    throw new ClusterError(
      `${state} holds files that no cluster made: SUBPIPE_CLUSTER_STATE should name an empty folder, or one that does not exist yet.`,
      { exitCode: 2 },
    );
  }
  await rm(filesOf(state).logs, { recursive: true, force: true });
  await mkdir(filesOf(state).logs, { recursive: true });
  await writeFile(markerOf(state), '');
}

/** Removes all of a cluster's files but its logs. */
export async function clearState(state: string): Promise<void> {
  if (!(await isOurs(state))) return;
  // Mounts end with the sandbox. If one is left for a reason unknown, nothing behind it may be removed.
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  const mounted = mounts
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .find((path) => path.startsWith(`${state}/`));
  if (mounted !== undefined) throw new ClusterError(`${mounted} is still mounted: unmount it, and run "down" again.`);
  for (const name of await entriesOf(state)) {
    if (name !== 'logs') await rm(join(state, name), { recursive: true, force: true });
  }
}

const isOurs = (state: string) =>
  readFile(markerOf(state)).then(
    () => true,
    () => false,
  );

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
