import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** Names and links that each format of tar has a way of its own for. */
export function makeForeignTree(root: string): void {
  mkdirSync(join(root, 'a-long-name/'.repeat(30)), { recursive: true });
  writeFileSync(join(root, 'a-long-name/'.repeat(30), 'file'), 'deep');
  writeFileSync(join(root, 'n'.repeat(200)), 'long');
  symlinkSync('t'.repeat(300), join(root, 'link'));
  writeFileSync(join(root, 'file'), 'content '.repeat(1000));
  linkSync(join(root, 'file'), join(root, 'second'));
  writeFileSync(join(root, 'ünï'), '');
}

/** Over 8 GiB, which no octal field of a tar can say; 40 parts are more than one block of a sparse map can. */
export const hugeSize = 2 ** 33 + 12_345;
const apart = 200_000_000;

/** Where a huge file has something, and what. */
export const hugeParts = Array.from({ length: 40 }, (_, i) => ({ at: i * apart, text: `part ${i}` }));

/** A real file of {@link hugeSize} bytes, nearly all of them holes. */
export function makeHuge(path: string): void {
  const fd = openSync(path, 'w');
  for (const { at, text } of hugeParts) writeSync(fd, text, at);
  ftruncateSync(fd, hugeSize);
  closeSync(fd);
}

/** What GNU tar can write. Holes only with `--sparse`. */
export const gnuFormats: Record<string, { flags: string; sparse: boolean }> = {
  pax: { flags: '--format=pax', sparse: false },
  gnu: { flags: '--format=gnu', sparse: false },
  'sparse-gnu': { flags: '--format=gnu --sparse', sparse: true },
  'sparse-0.0': { flags: '--format=pax --sparse --sparse-version=0.0', sparse: true },
  'sparse-0.1': { flags: '--format=pax --sparse --sparse-version=0.1', sparse: true },
  'sparse-1.0': { flags: '--format=pax --sparse --sparse-version=1.0', sparse: true },
};
