import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { invalid } from '../runtime/errors.ts';
import { isRecord, parseJson } from '../runtime/oci/manifest.ts';

/** The repository's root folder. */
export const root = join(import.meta.dirname, '..');

/** Where things that can be made again are kept; ignored by git. */
export const cacheFolder = join(root, '.cache');

export interface Project {
  version: string;
  description: string;
  license: string;
  /** Of Node in the images: the pinned version of the npm package `node`. */
  nodeVersion: string;
}

export async function readProject(): Promise<Project> {
  const path = join(root, 'package.json');
  const value = parseJson(await readFile(path), path);
  const { version, description, license, devDependencies } = isRecord(value) ? value : {};
  const nodeVersion = isRecord(devDependencies) ? devDependencies.node : undefined;
  if (typeof version !== 'string' || typeof nodeVersion !== 'string' || !/^\d+\.\d+\.\d+$/.test(nodeVersion)) {
    throw invalid('package.json: expected a version, and an exact version of "node" in devDependencies');
  }
  return { version, description: String(description ?? ''), license: String(license ?? ''), nodeVersion };
}

/** Names of the folders of steps/ that have a main.ts. */
export async function stepNames(folder = join(root, 'steps')): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const mains = entries.filter((entry) => entry.name === 'main.ts' && join(entry.parentPath, '..') === folder);
  return mains.map((entry) => entry.parentPath.slice(folder.length + 1)).sort();
}
