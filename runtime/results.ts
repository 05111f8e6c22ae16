import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SubpipeError } from './errors.ts';

/** One result of a step: a result of the Task, a row of the README's table. */
export interface Result {
  description: string;
  type: 'string' | 'array' | 'object';
  /** Keys of an object result. */
  properties?: readonly string[];
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

export function textResult(description: string): { description: string; type: 'string' } {
  return { description, type: 'string' };
}

export function arrayResult(description: string): { description: string; type: 'array' } {
  return { description, type: 'array' };
}

/** A result that is ready to be written: its name for people, its value, the file that Tekton reads it from. */
export interface ResultFile {
  name: string;
  value: ResultValue;
  path: string;
}

/** What the entrypoint adds to the same message: start time, exit code, reason. */
const ownEntries = 200;

/**
 * Writes results where Tekton reads them: text as it is, arrays and objects as JSON (Tekton docs, tasks.md "Emitting Results").
 * All results of a container share one termination message of 4,096 bytes, and the kubelet cuts what is longer.
 * So nothing is written when they would not fit.
 *
 * @param limit Bytes that the message may take, default 4,096. Larger where the cluster reads results from sidecar logs.
 * @throws SubpipeError `FAILED` that names the results and their sizes.
 */
export async function writeResults(files: ResultFile[], limit = 4096): Promise<void> {
  const entries = files.map((file) => ({
    ...file,
    text: typeof file.value === 'string' ? file.value : JSON.stringify(file.value),
  }));
  const sizes = entries.map(({ name, path: at, text }) => ({ name, bytes: messageBytes(path.basename(at), text) }));
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, ownEntries);
  if (total > limit) {
    const largest = sizes.sort((a, b) => b.bytes - a.bytes).map(({ name, bytes }) => `${name} (${bytes} bytes)`);
    throw new SubpipeError(
      'FAILED',
      `the results take ${total} bytes, but Tekton's termination message holds ${limit}: ${largest.join(', ')}`,
      {
        hint:
          'Return less, hand large data on in a workspace, or set results-from to sidecar-logs in the ConfigMap ' +
          'feature-flags and raise results-limit.',
      },
    );
  }
  for (const { path: file, text } of entries) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

/** Bytes of one entry in the entrypoint's JSON, which Go writes with <, > and & as six bytes each. */
function messageBytes(key: string, value: string): number {
  const entry = JSON.stringify({ key, value, type: 1 }).replace(/[<>&\u2028\u2029]/g, '000000');
  return Buffer.byteLength(entry) + 1;
}
