import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { loadLibc } from '../../runtime/archive/libc.ts';
import { fromText } from '../../runtime/archive/path.ts';
import { encodeHeader, type TarHeader } from '../../runtime/archive/tar-header.ts';
import { TarParser } from '../../runtime/archive/tar-parser.ts';
import { extracted, packed, scratch } from './support.ts';

const isRoot = process.getuid?.() === 0;

function read(bytes: Buffer): TarHeader[] {
  const found: TarHeader[] = [];
  const parser = new TarParser({ entry: (header) => found.push(header), data: () => {}, end: () => {} }, 'the tar');
  parser.write(bytes);
  return found;
}

test('sizes over 8 GiB, ids over 2^21 and times of all ages are read as they were written', () => {
  const common = { path: fromText('a'), type: 'file', mode: 0o644 } as const;
  for (const header of [
    { ...common, size: 2 ** 33, uid: 2 ** 31, gid: 2 ** 21, mtime: 2 ** 34, nanoseconds: 999_999_999 },
    { ...common, size: 2 ** 33 - 1, uid: 2 ** 21 - 1, gid: 0, mtime: -1, nanoseconds: 900_000_000 },
    { ...common, size: 2 ** 43 + 1, uid: 0, gid: 2 ** 32 - 2, mtime: -3, nanoseconds: 0 },
  ]) {
    assert.deepEqual(read(encodeHeader(header)), [header]);
  }
});

test('attributes whose names are not ASCII are read as they were written', () => {
  const attributes = new Map([[Buffer.from('user.ü').toString('latin1'), Buffer.from([0, 255, 10])]]);
  const numbers = { mode: 0o644, size: 0, uid: 0, gid: 0, mtime: 1, nanoseconds: 0 };
  const header = { path: fromText('a'), type: 'file', ...numbers, attributes } as const;
  assert.deepEqual(read(encodeHeader(header)), [header]);
});

test('what a program may do as root comes back', { skip: !isRoot || loadLibc() === undefined }, async (context) => {
  const root = await scratch();
  const file = join(root, 'tool');
  fs.writeFileSync(file, 'x', { mode: 0o755 });
  // cap_net_bind_service+ep: revision 2 with the effective bit, then two pairs of masks (capabilities(7)).
  const value = Buffer.alloc(20);
  value.writeUInt32LE(0x02000001, 0);
  value.writeUInt32LE(1 << 10, 4);
  const from = fs.openSync(file, 'r+');
  const isSet = loadLibc()?.set(from, 'security.capability', value);
  fs.closeSync(from);
  if (isSet !== true) return context.skip('this filesystem has none');
  const target = join(await scratch(), 'out');
  await extracted([await packed(root)], target, { owner: 'keep' });
  const to = fs.openSync(join(target, 'tool'), 'r');
  assert.deepEqual(loadLibc()?.get(to, 'security.capability'), value);
  fs.closeSync(to);
});
