import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ClusterError, codeOf } from './errors.ts';
import { type Identity, identify, isAlive } from './process.ts';

/**
 * Runs the work while no other command changes the same cluster.
 * A lock that a dead process left is taken over.
 * @throws ClusterError where another command holds the lock
 */
export async function withLock<T>(path: string, command: string, work: () => Promise<T>): Promise<T> {
  const me = await identify(process.pid);
  if (me === undefined) throw new ClusterError('This process is not to be seen in /proc: is /proc mounted?');
  await mkdir(dirname(path), { recursive: true });
  await take(path, JSON.stringify({ ...me, command }));
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string, content: string): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      await writeFile(path, content, { flag: 'wx' });
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const text = await readFile(path, 'utf8').catch(() => '');
    const holder = parseHolder(text);
    if (holder !== undefined && (await isAlive(holder))) {
      throw new ClusterError(
        `"npm run cluster -- ${holder.command}" (process ${holder.pid}) is at work on this cluster: wait until it has ended.`,
      );
    }
    await rm(path, { force: true });
  }
  throw new ClusterError(`The lock ${path} could not be taken: other commands keep taking it.`);
}

function parseHolder(text: string): (Identity & { command: string }) | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { pid, startTime, boot, command } = value as Record<string, unknown>;
    if (typeof pid !== 'number' || typeof startTime !== 'string' || typeof boot !== 'string') return undefined;
    return { pid, startTime, boot, command: String(command) };
  } catch {
    return undefined; // Half written by a process that was killed.
  }
}
