import { randomUUID } from 'node:crypto';
import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { SubpipeError } from '../errors.ts';
import { pause } from '../retry.ts';
import { isRecord } from './manifest.ts';

/** What is done under a lock takes milliseconds: one this old belongs to a process that is gone. */
const staleMs = 30_000;

/** How long others may take before that is worth an error. */
const patienceMs = 120_000;

/**
 * Does `work` while no other process does: the file `path` is there for as long. It works between pods that share a
 * volume, where nobody can look at the other's processes. A lock that was left behind is taken away after 30 s.
 *
 * @param work gets a function to call right before it publishes: it throws when the lock was taken away meanwhile.
 * @throws SubpipeError `UNAVAILABLE` when the lock is not free within two minutes.
 */
export async function withLock<Value>(
  path: string,
  work: (stillOurs: () => Promise<void>) => Promise<Value>,
  signal?: AbortSignal,
): Promise<Value> {
  const owner = randomUUID();
  const stillOurs = async () => {
    if ((await readFile(path, 'utf8').catch(() => '')) === owner) return;
    throw new SubpipeError('UNAVAILABLE', `the lock ${path} was taken away: this machine stood still for too long`);
  };
  const deadline = Date.now() + patienceMs;
  while (!(await take(path, owner))) {
    if (Date.now() > deadline) {
      throw new SubpipeError('UNAVAILABLE', `${path} was locked by others for ${patienceMs / 1000} s`);
    }
    await removeStale(path);
    await pause(5 + Math.random() * 20, signal);
  }
  try {
    return await work(stillOurs);
  } finally {
    if ((await readFile(path, 'utf8').catch(() => '')) === owner) await rm(path, { force: true });
  }
}

async function take(path: string, owner: string): Promise<boolean> {
  try {
    await writeFile(path, owner, { flag: 'wx' });
    return true;
  } catch (error) {
    if (isRecord(error) && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Only one removes: between looking and removing, another could have removed it and taken the lock anew. */
async function removeStale(path: string): Promise<void> {
  if (!(await isStale(path))) return;
  const breaker = `${path}.breaker`;
  const handle = await open(breaker, 'wx').catch(() => undefined);
  if (handle === undefined) {
    if (await isStale(breaker)) await rm(breaker, { force: true });
    return;
  }
  try {
    if (await isStale(path)) await rm(path, { force: true });
  } finally {
    await handle.close();
    await rm(breaker, { force: true });
  }
}

async function isStale(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > staleMs;
}
