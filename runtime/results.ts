import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SubpipeError } from './errors.ts';

/** One result of a step: a result of the Task, a row of the README's table. */
export interface Result {
  description: string;
  type: 'string' | 'array' | 'object';
  /** Keys of an object result. */
  properties?: readonly string[];
  /** Left out, with a warning, where the results would not fit. */
  spare?: boolean;
}
export type Results = Record<string, Result>;
export type ResultValue = string | string[] | Record<string, string>;

/** The values that a step reports; one that is left out is not written. */
export type ReportOf<R extends Results> = {
  [K in keyof R]?: R[K]['type'] extends 'string'
    ? string
    : R[K]['type'] extends 'array'
      ? string[]
      : Record<string, string>;
};

/** How a result may be: see {@link Result}. */
type Options = Pick<Result, 'spare'>;

export function textResult(
  description: string,
  options: Options = {},
): Options & { description: string; type: 'string' } {
  return { description, type: 'string', ...options };
}

export function arrayResult(
  description: string,
  options: Options = {},
): Options & { description: string; type: 'array' } {
  return { description, type: 'array', ...options };
}

/** A result that is ready to be written: its name for people, its value, the file that Tekton reads it from. */
export interface ResultFile {
  name: string;
  value: ResultValue;
  path: string;
  /** Left out where the results would not fit. */
  spare?: boolean | undefined;
}

/** What the entrypoint adds to the same message: start time, exit code, reason. */
const ownEntries = 200;

/** A pod would need 24 containers for a message of so many bytes to be cut: not worth asking. */
const smallBytes = 512;

/**
 * Writes results where Tekton reads them: text as it is, arrays and objects as JSON (Tekton docs, tasks.md "Emitting Results").
 * All results of a container, and those that earlier steps have written beside them, share one termination message of 4,096
 * bytes or less, and the kubelet cuts what is longer. So nothing is written when they would not fit.
 *
 * @param allowed Bytes that the message may take, default 4,096; a function is asked only where it matters. Larger where the
 * cluster reads results from sidecar logs.
 * @returns what is to be said of spare results that are left out as they would not fit; undefined where none is.
 * @throws SubpipeError `FAILED` that names the results and their sizes.
 */
export async function writeResults(
  files: ResultFile[],
  allowed: number | (() => Promise<number>) = 4096,
): Promise<string | undefined> {
  const entries = files.map((file) => ({
    ...file,
    text: typeof file.value === 'string' ? file.value : JSON.stringify(file.value),
  }));
  const own = entries.map(({ name, path: at, text, spare }) => ({
    name,
    spare,
    bytes: messageBytes(path.basename(at), text),
  }));
  const sizes = [...own, ...othersBeside(files)];
  const total = ownEntries + bytesOf(sizes);
  const limit = typeof allowed === 'number' ? allowed : total <= smallBytes ? smallBytes : await allowed();
  const spares = own.filter(({ spare }) => spare === true).sort((a, b) => b.bytes - a.bytes);
  const enough = spares.findIndex((_, index) => total - bytesOf(spares.slice(0, index + 1)) <= limit);
  const left = total > limit ? spares.slice(0, enough + 1) : [];
  const tooLarge = `the results take ${total} bytes, but the container's termination message holds ${limit}`;
  if (total > limit && left.length === 0) {
    const largest = sizes.sort((a, b) => b.bytes - a.bytes).map(({ name, bytes }) => `${name} (${bytes} bytes)`);
    throw new SubpipeError('FAILED', `${tooLarge}: ${largest.join(', ')}`, {
      hint:
        (limit < 4096 ? 'A pod has 12288 bytes for the messages of all its containers. ' : '') +
        'Return less, hand large data on in a workspace, or set results-from to sidecar-logs in the ConfigMap ' +
        'feature-flags and raise results-limit.',
    });
  }
  const names = left.map(({ name }) => name);
  for (const { name, path: file, text } of entries) {
    if (names.includes(name)) continue;
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return names.length === 0 ? undefined : `${tooLarge}: without ${names.join(', ')}`;
}

function bytesOf(sizes: readonly { bytes: number }[]): number {
  return sizes.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Results of a Task that steps before this one have written: Tekton puts them into this step's message again. */
function othersBeside(files: readonly ResultFile[]): { name: string; bytes: number }[] {
  const paths = new Set(files.map((file) => path.resolve(file.path)));
  const folders = new Set(
    [...paths].map((file) => path.dirname(file)).filter((folder) => folder.startsWith('/tekton/')),
  );
  return [...folders].flatMap((folder) => {
    const others = namesIn(folder).filter((name) => !paths.has(path.join(folder, name)));
    return others.map((name) => ({
      name: `${name} of an earlier step`,
      bytes: messageBytes(name, readFileSync(path.join(folder, name), 'utf8')),
    }));
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []));
  } catch {
    return []; // not there yet
  }
}

/** Bytes of one entry in the entrypoint's JSON, which Go writes with <, > and & as six bytes each. */
function messageBytes(key: string, value: string): number {
  const entry = JSON.stringify({ key, value, type: 1 }).replace(/[<>&\u2028\u2029]/g, '000000');
  return Buffer.byteLength(entry) + 1;
}
