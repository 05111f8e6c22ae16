import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { invalid, SubpipeError } from '../../errors.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { fieldsOf, listOf, onlyFields, textOf } from '../../shape.ts';
import { formatYaml, parseYaml } from '../../yaml.ts';

/** Where the lock file lies in a repository. */
export const lockPath = '.tekton/lock.yaml';

const header = `# What the remote Tasks and Pipelines of this folder were when they were locked: the sha256 of each text.
# Written by "subpipe resolve --lock", which also updates it. Commit it: other texts are then an error.
`;

/** Digests of remote texts by where they come from. */
export interface Lock {
  /** For errors. */
  file: string;
  digests: ReadonlyMap<string, Digest>;
}

/**
 * Reads a lock file: `version: 1`, and `sources`, a list of `{ from, digest }`.
 *
 * @throws SubpipeError `INVALID` that names the field.
 */
export async function parseLock(text: string, file = lockPath): Promise<Lock> {
  const value = fieldsOf(await parseYaml(text, file), file);
  onlyFields(value, ['version', 'sources'], file);
  if (value.version !== 1)
    throw invalid(`${file}: version must be 1, but is ${String(value.version)}: a newer Subpipe wrote it`);
  const digests = new Map<string, Digest>();
  for (const [index, item] of listOf(value.sources, `${file}: sources`).entries()) {
    const where = `${file}: sources[${index}]`;
    const fields = fieldsOf(item, where);
    onlyFields(fields, ['from', 'digest'], where);
    const from = textOf(fields.from, `${where}.from`);
    const digest = textOf(fields.digest, `${where}.digest`);
    if (!isDigest(digest)) throw invalid(`${where}.digest must be sha256: and 64 hex digits, but is "${digest}"`);
    if (digests.has(from)) throw invalid(`${where} names ${from} a second time`);
    digests.set(from, digest);
  }
  return { file, digests };
}

/** The lock file of a folder with a `.tekton` in it; nothing where there is none. @throws SubpipeError `INVALID`. */
export async function readLock(root: string): Promise<Lock | undefined> {
  const text = await readFile(path.join(root, lockPath), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw invalid(`${lockPath} cannot be read`, { cause: error });
  });
  return text === undefined ? undefined : await parseLock(text);
}

/** The text of a lock file: sorted, so that the same sources give the same bytes. */
export async function formatLock(sources: readonly { from: string; digest: Digest }[]): Promise<string> {
  const digests = new Map<string, Digest>();
  for (const { from, digest } of sources) {
    const other = digests.get(from);
    if (other !== undefined && other !== digest)
      throw new SubpipeError('FAILED', `${from} changed while it was being locked`);
    digests.set(from, digest);
  }
  const sorted = [...digests].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `${header}${await formatYaml({ version: 1, sources: sorted.map(([from, digest]) => ({ from, digest })) })}`;
}

/** Writes `.tekton/lock.yaml` below a folder; it appears by rename. */
export async function writeLock(root: string, sources: readonly { from: string; digest: Digest }[]): Promise<void> {
  const file = path.join(root, lockPath);
  const draft = `${file}.${randomUUID()}.part`;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(draft, await formatLock(sources));
  await rename(draft, file);
}

/** @throws SubpipeError `INVALID` where the lock does not know the source. */
export function lockedDigest(lock: Lock, from: string): Digest {
  const digest = lock.digests.get(from);
  if (digest !== undefined) return digest;
  throw invalid(`${from} is not in ${lock.file}`, {
    hint: 'Look at what it is, then add it with "subpipe resolve --lock".',
  });
}

export function lockMismatch(lock: Lock, from: string, expected: Digest, actual: Digest): SubpipeError {
  return invalid(`${from} has changed: ${lock.file} holds it to ${expected}, but it is ${actual} now`, {
    hint: 'Look at what changed; where it is meant, lock it anew with "subpipe resolve --lock".',
  });
}
