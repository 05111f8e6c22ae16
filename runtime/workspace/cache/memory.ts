import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { isFields } from '../../shape.ts';
import { memoryFile } from '../memory.ts';

/** What a pull tells the push in the same pod. */
export interface CacheMemory {
  /** What the text of the key was then. */
  key: string;
  /** The cache of exactly this key, where there was one: its place's name, and the image by its digest. */
  hit?: { place: string; image: string } | undefined;
}

/** Beside the memory of the workspace: a restored cache is nothing that the workspace's image has. */
export function cacheMemoryFile(keyText: string, folder: string, options: Parameters<typeof memoryFile>[1]): string {
  const hash = createHash('sha256').update(keyText).digest('hex').slice(0, 16);
  return `${memoryFile(folder, options)}.cache-${hash}.json`;
}

export function rememberCache(file: string, memory: CacheMemory): void {
  mkdirSync(dirname(file), { recursive: true });
  const part = `${file}.${process.pid}.part`;
  writeFileSync(part, JSON.stringify(memory));
  renameSync(part, file);
}

/** Undefined where nothing is remembered, or nothing that can be read: a push can do without. */
export function recallCache(file: string): CacheMemory | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
  if (!isFields(value) || typeof value.key !== 'string') return undefined;
  const { key, hit } = value;
  if (!isFields(hit) || typeof hit.place !== 'string' || typeof hit.image !== 'string') return { key };
  return { key, hit: { place: hit.place, image: hit.image } };
}

export function forgetCache(file: string): void {
  rmSync(file, { force: true });
}
