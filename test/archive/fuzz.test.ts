import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { unpack } from '../../runtime/archive/layer/unpack.ts';
import { indexLayer } from '../../runtime/archive/merge/layer-index.ts';
import { TarParser } from '../../runtime/archive/tar/parser.ts';
import { SubpipeError } from '../../runtime/errors.ts';
import { numbers } from '../support/random.ts';
import { extracted, layerOf, look, scratch, tarOf } from './support.ts';

/** More of it: `SUBPIPE_FUZZ_RUNS=1000000 SUBPIPE_FUZZ_SEED=7 node --test test/archive/fuzz.test.ts`. */
const runs = Number(process.env.SUBPIPE_FUZZ_RUNS ?? 4000);
const seed = Number(process.env.SUBPIPE_FUZZ_SEED ?? 42);

const sample = tarOf(
  { path: `${'p/'.repeat(80)}ü`, content: 'x'.repeat(700), mtime: 5, nanoseconds: 7 },
  { path: 'folder/', type: 'folder' },
  { path: 'link', type: 'symlink', target: 't'.repeat(120) },
  { path: 'big', size: 0, uid: 3_000_000, attributes: new Map([['user.a', Buffer.from('b')]]) },
);

type Random = () => number;

function pick<T>(next: Random, list: readonly T[]): T {
  const found = list[Math.floor(next() * list.length)];
  if (found === undefined) throw new RangeError('nothing to pick from');
  return found;
}

/** A copy with up to six bytes changed. */
function damaged(bytes: Buffer, next: Random): Buffer {
  const copy = Buffer.from(bytes);
  for (let k = 0; k <= next() * 6; k++) copy[Math.floor(next() * copy.length)] = Math.floor(next() * 256);
  return copy;
}

/** Makes checksums right again, or nothing behind them would be reached. */
function sum(bytes: Buffer, at: number): void {
  bytes.write('        ', at + 148, 'latin1');
  const total = bytes.subarray(at, at + 512).reduce((all, byte) => all + byte, 0);
  bytes.write(`${total.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
}

/** @returns whether it was refused, with one clear error. */
async function refuses(work: () => unknown): Promise<boolean> {
  try {
    await work();
    return false;
  } catch (error) {
    if (error instanceof SubpipeError) return true;
    throw error;
  }
}

test('a tar with any bytes changed is read or refused, and nothing else happens', async () => {
  const next = numbers(seed);
  let refused = 0;
  for (let i = 0; i < runs; i++) {
    const bytes = damaged(sample, next);
    for (let at = 0; next() < 0.95 && at + 512 <= bytes.length; at += 512) {
      if (bytes.toString('latin1', at + 257, at + 262) === 'ustar') sum(bytes, at);
    }
    const parse = (): void => {
      const parser = new TarParser({ entry() {}, data() {}, end() {} }, 'the tar');
      for (let at = 0; at < bytes.length; ) {
        const count = 1 + Math.floor(next() * 900);
        parser.write(bytes.subarray(at, at + count));
        at += count;
      }
      parser.finish();
    };
    if (await refuses(parse)) refused++;
  }
  assert.ok(refused > runs / 40 && refused < runs - runs / 40, `${refused} of ${runs}`);
});

test('packed bytes with any changed are unpacked or refused, and no more comes out than went in', async () => {
  const next = numbers(seed + 1);
  const half = sample.length / 2;
  const packed = [
    gzipSync(sample),
    Buffer.concat([gzipSync(sample.subarray(0, half)), gzipSync(sample.subarray(half))]),
    zstdCompressSync(sample),
    Buffer.concat([zstdCompressSync(sample.subarray(0, half)), zstdCompressSync(sample.subarray(half))]),
  ];
  let refused = 0;
  for (let i = 0; i < runs / 8; i++) {
    const bytes = damaged(pick(next, packed), next);
    const read = async (): Promise<void> => {
      let size = 0;
      for await (const piece of unpack(Readable.from([bytes]), 'the layer')) size += piece.length;
      assert.ok(size <= 2 ** 27, `${size} bytes of ${bytes.length}`);
    };
    if (await refuses(read)) refused++;
  }
  assert.ok(refused > runs / 80, `${refused} of ${runs / 8}`);
});

const parts = ['a', 'b', 'l', 'd', '..', '.', '', '.wh.a', '.wh.l', '.wh..wh..opq', '.wh...', '.subpipe-pull', '\n'];
const flags = ['3', '4', '6', 'A', '7', 'S', '\0', '5', '0'];

/** A tar as somebody may write it who wants out of the folder. */
function hostileTar(next: Random, outside: string): Buffer {
  const path = (): string => Array.from({ length: 1 + Math.floor(next() * 3) }, () => pick(next, parts)).join('/');
  const entries = Array.from({ length: 1 + Math.floor(next() * 6) }, () => {
    const type = pick(next, ['file', 'file', 'folder', 'symlink', 'symlink', 'hardlink'] as const);
    const target = pick(next, ['..', '../..', '../outside', outside, `${outside}/secret`, 'l', 'a', '.', '', path()]);
    // What is compared must be read, also by who is not root.
    const mode = pick(next, [0o700, 0o755, 0o4711, 0o7777]);
    return type === 'file' || type === 'folder'
      ? { path: path(), type, mode, content: type === 'file' ? 'hostile' : '' }
      : { path: path(), type, mode, target };
  });
  const bytes = tarOf(...entries);
  if (next() < 0.1) {
    bytes.write(pick(next, flags), 156, 'latin1');
    sum(bytes, 0);
  }
  return bytes;
}

/** Files, folders and symlinks, as in a mode (inode(7)). */
const plainTypes = [0o100000, 0o040000, 0o120000];

function typeIn(seen: unknown): number {
  const mode = typeof seen === 'object' && seen !== null && 'mode' in seen ? Number(seen.mode) : 0;
  return mode & 0o170000;
}

test('layers of hostile entries write nothing outside, and leave all or nothing inside', async () => {
  const next = numbers(seed + 2);
  const folder = await scratch();
  const outside = join(folder, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'secret');
  const target = join(folder, 'inner/target');
  const unchanged = look(outside);
  let refused = 0;
  for (let i = 0; i < runs / 8; i++) {
    rmSync(join(folder, 'inner'), { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, 'mine'), 'as it was');
    const before = look(target);
    const layers = Array.from({ length: 1 + Math.floor(next() * 3) }, () => hostileTar(next, outside));
    const what = `run ${i} of seed ${seed}`;
    if (await refuses(() => extracted(layers, target))) {
      refused++;
      assert.deepEqual(look(target), before, what);
    }
    await refuses(() => Promise.all(layers.map((layer) => indexLayer(layerOf(layer)))));
    assert.deepEqual(look(outside), unchanged, what);
    assert.deepEqual(
      [readdirSync(folder), readdirSync(join(folder, 'inner'))],
      [['inner', 'outside'], ['target']],
      what,
    );
    // Not by Node's own walk, which follows links: some lead round in a circle.
    for (const [name, seen] of look(target)) assert.ok(plainTypes.includes(typeIn(seen)), `${what}: ${name}`);
  }
  assert.ok(refused > runs / 80 && refused < runs / 8, `${refused} of ${runs / 8}`);
});
