import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { loadLibc } from '../../runtime/archive/libc.ts';
import { fromLatin1, fromText } from '../../runtime/archive/path.ts';
import type { TarHeader } from '../../runtime/archive/tar/header.ts';
import { TarParser } from '../../runtime/archive/tar/parser.ts';
import { encodeHeader, extracted, packed, scratch, tarOf } from './support.ts';

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
    { ...common, size: 2 ** 33, uid: 0, gid: 0, mtime: 1_700_000_000, nanoseconds: 1 },
    { ...common, size: 2 ** 43 + 1, uid: 0, gid: 2 ** 32 - 2, mtime: -3, nanoseconds: 0 },
  ]) {
    assert.deepEqual(read(encodeHeader(header)), [header]);
  }
});

test('names that are no UTF-8 are said to be bytes, so that no other program reads them as text', () => {
  const numbers = { mode: 0o644, size: 0, uid: 0, gid: 0, mtime: 1, nanoseconds: 0 };
  const link = { type: 'symlink', ...numbers } as const;
  for (const [path, target, isText] of [
    ['plain', 'ü', true],
    ['plain', '\xff', false],
    ['\xff', 'plain', false],
  ] as const) {
    const name = isText ? fromText(target) : fromLatin1(target);
    const header = { ...link, path: fromLatin1(path), target: name };
    const bytes = encodeHeader(header);
    assert.deepEqual(read(bytes), [header]);
    assert.equal(bytes.includes('hdrcharset=BINARY'), !isText, `${path} ${target}`);
    assert.equal(bytes.includes('linkpath='), target !== 'plain', 'what is no ASCII is not left to the old field');
  }
});

test('attributes are read as they were written, whatever their names are; more than is read is not written', () => {
  const names = [Buffer.from('user.ü').toString('latin1'), 'user.a=b', 'user.%3D', 'user.%253D', 'user.%', 'user.%=%2'];
  const attributes = new Map(names.map((name, i) => [name, Buffer.from([0, 255, 10, i])]));
  const numbers = { mode: 0o644, size: 0, uid: 0, gid: 0, mtime: 1, nanoseconds: 0 };
  const header = { path: fromText('a'), type: 'file', ...numbers, attributes } as const;
  const bytes = encodeHeader(header);
  assert.deepEqual(read(bytes), [header]);
  assert.ok(bytes.includes('SCHILY.xattr.user.a%3Db='), 'as GNU tar has it');
  const much = (count: number) => new Map(Array.from({ length: count }, (_, i) => [`user.${i}`, Buffer.alloc(65536)]));
  assert.equal(read(encodeHeader({ ...header, attributes: much(15) }))[0]?.attributes?.size, 15);
  assert.throws(() => encodeHeader({ ...header, attributes: much(16) }), /^SubpipeError: a cannot be in an image: /);
});

test('what a program may do as root comes back', {
  skip: isRoot && loadLibc() !== undefined ? false : 'needs root, and node:ffi of Node 26',
}, async (context) => {
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
  if (isSet !== true) {
    return context.skip('no capability can be set here, so none could come back: an NFS, or a container that may not');
  }
  const target = join(await scratch(), 'out');
  await extracted([await packed(root)], target, { owner: 'keep' });
  const to = fs.openSync(join(target, 'tool'), 'r');
  assert.deepEqual(loadLibc()?.get(to, 'security.capability'), value);
  fs.closeSync(to);
});

test('attributes of other namespaces mean nothing on another machine: they are not kept, whoever writes them', {
  skip: isRoot && loadLibc() !== undefined ? false : 'needs root, and node:ffi of Node 26',
}, async (context) => {
  const root = await scratch();
  fs.writeFileSync(join(root, 'file'), 'x');
  fs.mkdirSync(join(root, 'folder'));
  const value = Buffer.from('value');
  const set = (name: string, attribute: string): boolean => {
    const fd = fs.openSync(join(root, name), 'r');
    const isSet = loadLibc()?.set(fd, attribute, value) === true;
    fs.closeSync(fd);
    return isSet;
  };
  const names = ['file', 'folder'];
  if (!names.every((name) => set(name, 'user.kept') && set(name, 'trusted.own'))) {
    return context.skip('user.* and trusted.* cannot both be set here: tmpfs before Linux 6.6, NFS, or a container');
  }
  const target = join(await scratch(), 'out');
  const attributes = new Map(['user.kept', 'trusted.own', 'system.posix_acl_access'].map((name) => [name, value]));
  await extracted([await packed(root), tarOf({ path: 'theirs', attributes })], target);
  for (const name of [...names, 'theirs']) {
    const fd = fs.openSync(join(target, name), 'r');
    assert.deepEqual(loadLibc()?.list(fd), ['user.kept'], name);
    assert.deepEqual(loadLibc()?.get(fd, 'user.kept'), value);
    fs.closeSync(fd);
  }
  const headers = read(await packed(root, { compression: { kind: 'none' } }));
  assert.deepEqual(
    headers.map(({ attributes: told }) => [...(told?.keys() ?? [])]),
    [['user.kept'], ['user.kept']],
  );
});
