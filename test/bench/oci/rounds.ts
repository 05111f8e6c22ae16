import { appendFileSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CorpusName } from './corpora.ts';
import type { Disks } from './disk.ts';
import { measure, type Use } from './measure.ts';
import { blobSize, storedIn } from './stored.ts';
import type { Job, Tool } from './tools.ts';

/** What one tool took in one round. */
export interface Round {
  tool: string;
  push: Use;
  pull: Use;
  /** Bytes in the registry. */
  stored: number;
  /** Ours only: a push of what was just pulled; then of that with one of a hundred files changed. */
  unchanged?: Use;
  changed?: Use;
}

export interface Setting {
  corpus: CorpusName;
  /** The corpus' folder. */
  folder: string;
  /** The registry: `HOST:PORT`. */
  host: string;
  disks: Disks;
  signal: AbortSignal;
}

/** Pushes with a tool to a repository of its own, and pulls that onto a fresh disk. */
export async function round(tool: Tool, count: number, setting: Setting): Promise<Round> {
  const { corpus, folder, host, disks, signal } = setting;
  const name = tool.name.replace(/[^a-z]+/gi, '-').toLowerCase();
  const repository = `${host}/bench/${corpus.toLowerCase()}-${count}/${name.replace(/^-|-$/g, '')}`;
  const pushed = await onDisk(disks, async (scratch) => {
    const { stdout, ...push } = await measure(tool.push({ repository, folder, scratch }), signal);
    return { push, stdout };
  });
  const digest = /^(sha256:[0-9a-f]{64})$/m.exec(pushed.stdout)?.[1];
  const stored =
    digest === undefined
      ? await storedIn(repository, signal)
      : { digest, bytes: await blobSize(repository, digest, signal) };
  return onDisk(disks, async (scratch, disk) => {
    const job: Job = { repository, folder: join(disk, 'out'), scratch };
    const { stdout: _, ...pull } = await measure(tool.pull(job, stored.digest), signal);
    check(folder, job.folder);
    const result: Round = { tool: tool.name, push: pushed.push, pull, stored: stored.bytes };
    if (tool.name !== 'ours' || corpus === 'B') return result;
    const { stdout: _unchanged, ...unchanged } = await measure(tool.push(job), signal);
    changeSome(job.folder);
    const { stdout: _changed, ...changed } = await measure(tool.push(job), signal);
    return { ...result, unchanged, changed };
  });
}

async function onDisk<T>(disks: Disks, use: (scratch: string, disk: string) => Promise<T>): Promise<T> {
  await using disk = await disks.fresh();
  const scratch = join(disk.path, 'scratch');
  mkdirSync(scratch);
  return await use(scratch, disk.path);
}

/** A tool that did not pull it all would be fast. `oras pull` makes the folder in the folder. */
function check(from: string, to: string): void {
  const inside = join(to, basename(from));
  const found = lstatSync(inside, { throwIfNoEntry: false }) === undefined ? to : inside;
  const [before, after] = [filesIn(from).length, filesIn(found).length];
  if (before !== after) throw new Error(`${after} of ${before} files were pulled`);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** One of a hundred files. */
function changeSome(folder: string): void {
  filesIn(folder)
    .sort()
    .forEach((file, i) => {
      if (i % 100 === 0) appendFileSync(file, '// changed\n');
    });
}
