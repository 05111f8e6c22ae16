import { SubpipeError } from '../errors.ts';
import type { Descriptor } from './manifest.ts';

/** @throws SubpipeError `INVALID` when the part is not inside the blob. */
export function checkRange(blob: Descriptor, start: number, length: number): void {
  const inside = Number.isSafeInteger(start) && Number.isSafeInteger(length) && start >= 0 && length > 0;
  if (inside && start + length <= blob.size) return;
  const message = `bytes ${start} to ${start + length} are not inside the ${blob.size} bytes of ${blob.digest}`;
  throw new SubpipeError('INVALID', message);
}
