import { createCipheriv } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { numbers } from '../../support/random.ts';

/** S: 53,000 small files, 314 MB. B: 9 files, 1 GB, half of it incompressible. G: 21,000 source files, 164 MB. */
export const corpora = {
  S: { files: 53_000, bytes: 314e6, folders: 7_000 },
  B: { files: 9, bytes: 1e9, folders: 1 },
  G: { files: 21_000, bytes: 164e6, folders: 3_300 },
} as const;

export type CorpusName = keyof typeof corpora;

const root = join(import.meta.dirname, '../../..');

/**
 * Makes a corpus below `folder`, the same each time: pieces of the sources of the installed npm packages, in files
 * whose sizes are spread as those of packages are.
 *
 * @param scale of the number of files and bytes, for growth. Default 1.
 * @returns its path; one that is there already is not made again.
 */
export function makeCorpus(name: CorpusName, folder: string, scale = 1): string {
  const path = join(folder, `${name}${scale === 1 ? '' : `-x${scale}`}`);
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return path;
  const part = `${path}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const pool = sources();
  if (name === 'B') makeLarge(part, pool, scale);
  else makeSmall(part, pool, name, scale);
  renameSync(part, path);
  return path;
}

function makeSmall(folder: string, pool: Buffer, name: 'S' | 'G', scale: number): void {
  const { files, bytes, folders } = corpora[name];
  const next = numbers(name === 'S' ? 1 : 2);
  const count = Math.round(files * scale);
  const places = Array.from({ length: Math.round(folders * scale) }, (_, i) => {
    const path = join(folder, `package-${Math.floor(i / 12)}`, ...(i % 12 === 0 ? [] : ['lib', `part-${i % 12}`]));
    mkdirSync(path, { recursive: true });
    return path;
  });
  // Most files are small, and most bytes are in large ones.
  const weights = Array.from({ length: count }, () => Math.exp(1.5 * normal(next)));
  const unit = (bytes * scale) / weights.reduce((sum, weight) => sum + weight, 0);
  weights.forEach((weight, i) => {
    const size = Math.min(pool.length, Math.round(weight * unit));
    const from = Math.floor(next() * (pool.length - size));
    writeFileSync(join(places[i % places.length] ?? folder, `file-${i}.js`), pool.subarray(from, from + size));
  });
}

function makeLarge(folder: string, pool: Buffer, scale: number): void {
  const { files, bytes } = corpora.B;
  const size = Math.round((bytes * scale) / files);
  const piece = Math.min(size, pool.length);
  const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
  for (let i = 0; i < files; i++) {
    for (let at = 0; at < size; at += piece) {
      const length = Math.min(piece, size - at);
      const half = Math.floor(length / 2);
      const random = noise.update(Buffer.alloc(length - half));
      const text = pool.subarray(0, half);
      writeFileSync(join(folder, `artifact-${i}.bin`), Buffer.concat([text, random]), { flag: 'a' });
    }
  }
}

/** Real sources, one after the other. */
function sources(): Buffer {
  const found = globSync('node_modules/**/*.{js,ts,md,json}', { cwd: root }).sort();
  const parts: Buffer[] = [];
  for (const file of found) {
    const found = statSync(join(root, file));
    if (found.isFile() && found.size < 1e6) parts.push(readFileSync(join(root, file)));
  }
  return Buffer.concat(parts).subarray(0, 64e6);
}

function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}
