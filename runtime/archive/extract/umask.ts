import { closeSync, fstatSync, openSync, unlinkSync } from 'node:fs';
import { createFlags } from './batch.ts';

/** What the process takes away from modes; asking Node for it would set it for a moment. @param path of a file that is not there. */
export function probeUmask(path: string): number {
  const fd = openSync(path, createFlags, 0o777);
  try {
    return 0o777 & ~fstatSync(fd).mode;
  } finally {
    closeSync(fd);
    unlinkSync(path);
  }
}
