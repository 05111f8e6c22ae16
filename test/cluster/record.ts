import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Component } from './components.ts';
import type { Identity } from './process.ts';
import type { TektonOptions } from './tekton.ts';
import type { TektonVersion } from './versions.ts';

/** What `up` did, for the commands after it. */
export type ClusterRecord = {
  /** `ready` only once all of `up` is done. */
  phase: 'starting' | 'ready';
  tekton: TektonVersion;
  options: TektonOptions;
  started: string;
  init?: Identity;
  /** The nsenter processes by which the components were started: each ends with its component. */
  components: Partial<Record<Component, Identity>>;
};

/** @returns undefined where there is no record, or one that was cut off */
export async function readRecord(path: string): Promise<ClusterRecord | undefined> {
  try {
    // Written by writeRecord only, whole or not at all.
    return JSON.parse(await readFile(path, 'utf8')) as ClusterRecord;
  } catch {
    return undefined;
  }
}

export async function writeRecord(path: string, record: ClusterRecord): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.new.${process.pid}`;
  await writeFile(draft, JSON.stringify(record, undefined, 2));
  await rename(draft, path);
}
