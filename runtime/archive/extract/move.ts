import { chmodSync, lstatSync, renameSync } from 'node:fs';

/** Renames, also a folder that its owner may not write to: such a folder cannot change its parent, unless root moves it. */
export function moveTo(source: Buffer, target: Buffer): void {
  try {
    renameSync(source, target);
  } catch (error) {
    const seen = lstatSync(source);
    if (!isDenied(error) || !seen.isDirectory()) throw error;
    chmodSync(source, 0o700);
    let now = source;
    try {
      renameSync(source, target);
      now = target;
    } finally {
      chmodSync(now, seen.mode & 0o7777);
    }
  }
}

export function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}
