import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repairFolder, replaceFolder } from '../../runtime/archive/extract/replace.ts';
import { loadLibc } from '../../runtime/archive/libc.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import { killedAtRename, scratch } from './support.ts';

test('a folder that is not there appears; one that is there keeps its inode and gets all of the new content', async () => {
  const target = join(await scratch(), 'a/b');
  await replaceFolder(target, async (folder) => writeFileSync(join(folder, 'one'), '1'));
  assert.deepEqual(readdirSync(target), ['one']);
  assert.deepEqual(readdirSync(join(target, '..')), ['b']);
  const { ino } = statSync(target);
  await replaceFolder(target, async (folder) => writeFileSync(join(folder, 'two'), '2'));
  assert.deepEqual(readdirSync(target), ['two']);
  assert.equal(statSync(target).ino, ino);
});

test('killed at any rename of the exchange, the folder is as it was after the repair', async () => {
  const comes = { both: 'new', fresh: 'new', more: 'new' };
  let killed = 0;
  for (let count = 0; ; count++) {
    const target = await scratch();
    for (const name of ['both', 'old', 'sub']) mkdirSync(join(target, name));
    writeFileSync(join(target, 'both/file'), 'old');
    if (!killedAtRename(count, target, comes, 'all')) {
      assert.deepEqual(readdirSync(target), ['both', 'fresh', 'more']);
      break;
    }
    killed++;
    assert.equal(repairFolder(target), true);
    assert.deepEqual(readdirSync(target), ['both', 'old', 'sub']);
    assert.equal(readFileSync(join(target, 'both/file'), 'utf8'), 'old');
    assert.equal(repairFolder(target), false);
  }
  assert.equal(killed, 7);
});

test('killed while what was there before is removed, the folder stays as it is, and nothing is said to be back', async () => {
  const target = await scratch();
  mkdirSync(join(target, '.subpipe-pull/new'), { recursive: true });
  mkdirSync(join(target, '.subpipe-pull/old/before'), { recursive: true });
  writeFileSync(join(target, 'new'), '');
  assert.equal(repairFolder(target), false);
  assert.deepEqual(readdirSync(target), ['new']);
});

test('a work folder that is a symlink to elsewhere is removed and not followed', async () => {
  const folder = await scratch();
  const target = join(folder, 'target');
  const outside = join(folder, 'outside');
  mkdirSync(target);
  mkdirSync(outside);
  writeFileSync(join(outside, 'journal'), JSON.stringify({ old: [], new: ['x'] }));
  const { symlinkSync } = await import('node:fs');
  symlinkSync(outside, join(target, '.subpipe-pull'));
  await replaceFolder(target, async (inner) => writeFileSync(join(inner, 'x'), ''));
  assert.deepEqual(readdirSync(target), ['x']);
  assert.deepEqual(readdirSync(outside), ['journal']);
});

test('empty folders that steps have begun in stay the same folders, with what the new content says of them', async () => {
  const target = await scratch();
  mkdirSync(join(target, 'src/deep'), { recursive: true });
  mkdirSync(join(target, 'mine'));
  mkdirSync(join(target, 'becomes'));
  const inodes = ['src', 'src/deep', 'mine'].map((name) => statSync(join(target, name)).ino);
  await replaceFolder(target, async (folder) => {
    mkdirSync(join(folder, 'src/deep'), { recursive: true });
    writeFileSync(join(folder, 'src/deep/file'), 'new');
    writeFileSync(join(folder, 'becomes'), 'a file');
    chmodSync(join(folder, 'src'), 0o700);
    utimesSync(join(folder, 'src'), 100, 100);
  });
  assert.deepEqual(readdirSync(target), ['becomes', 'mine', 'src']);
  assert.deepEqual(
    ['src', 'src/deep', 'mine'].map((name) => statSync(join(target, name)).ino),
    inodes,
  );
  assert.equal(readFileSync(join(target, 'src/deep/file'), 'utf8'), 'new');
  const { mode, mtimeMs } = statSync(join(target, 'src'));
  assert.deepEqual([mode & 0o777, mtimeMs], [0o700, 100_000]);
});

test('empty folders that stay get attributes and times to the nanosecond as well', async () => {
  const libc = loadLibc();
  if (libc === undefined) return;
  const target = await scratch();
  mkdirSync(join(target, 'src/old'), { recursive: true });
  const make = (time: number, nanoseconds: number) => async (folder: string) => {
    const made = join(folder, 'src');
    mkdirSync(made);
    writeFileSync(join(made, 'file'), '');
    const fd = openSync(made, 'r');
    libc.set(fd, 'user.note', Buffer.from('kept'));
    closeSync(fd);
    libc.setTime(made, time, nanoseconds);
  };
  for (const [time, nanoseconds] of [
    [1_700_000_000, 123_456_789],
    [-5, 1],
  ] as const) {
    await replaceFolder(target, make(time, nanoseconds));
    const { mtimeNs } = statSync(join(target, 'src'), { bigint: true });
    assert.equal(mtimeNs, BigInt(time) * 1_000_000_000n + BigInt(nanoseconds));
    const fd = openSync(join(target, 'src'), 'r');
    assert.equal(libc.get(fd, 'user.note')?.toString(), 'kept');
    closeSync(fd);
    rmSync(join(target, 'src/file'));
  }
});

test('empty folders are there again after a failure in the middle', async () => {
  const target = await scratch();
  mkdirSync(join(target, 'src/deep'), { recursive: true });
  for (const name of ['new', 'old']) mkdirSync(join(target, '.subpipe-pull', name), { recursive: true });
  const journal = { old: ['src'], new: ['src', 'x'], hollow: ['src', 'src/deep'] };
  writeFileSync(join(target, '.subpipe-pull/journal'), JSON.stringify(journal));
  writeFileSync(join(target, 'src/half'), '');
  assert.equal(repairFolder(target), true);
  assert.deepEqual(readdirSync(target, { recursive: true }), ['src', 'src/deep']);
});

test("a volume's lost+found is no part of the workspace: not scanned, not moved, not replaced", async () => {
  const target = await scratch();
  mkdirSync(join(target, 'lost+found'));
  writeFileSync(join(target, 'lost+found/inode'), 'kept');
  writeFileSync(join(target, 'old'), '');
  assert.deepEqual(
    (await scanTree(target)).nodes.map(({ path }) => path),
    ['old'],
  );
  await replaceFolder(target, async (inner) => {
    mkdirSync(join(inner, 'lost+found'));
    writeFileSync(join(inner, 'x'), '');
  });
  assert.deepEqual(readdirSync(target, { recursive: true }).sort(), ['lost+found', 'lost+found/inode', 'x']);
});
