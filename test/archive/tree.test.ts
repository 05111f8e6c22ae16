import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadLibc } from '../../runtime/archive/libc.ts';
import { changesSince } from '../../runtime/archive/tree/changes.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import { splitChanges } from '../../runtime/archive/tree/split.ts';
import { loadState } from '../../runtime/archive/tree/state.ts';
import { numbers } from '../support/random.ts';
import { mutate } from './generate.ts';
import { extracted, look, packed, saveState, scratch } from './support.ts';

for (const kind of ['none', 'gzip', 'zstd'] as const) {
  test(`generated trees come back as they were, by ${kind} layers of their changes`, async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const next = numbers(seed * 31);
      const folder = await scratch();
      const [root, state] = [join(folder, 'tree'), join(folder, 'state')];
      fs.mkdirSync(root);
      const layers: Buffer[] = [];
      for (let round = 0; round < 4; round++) {
        const before = loadState(state);
        mutate(root, next, 60);
        const tree = await scanTree(root);
        const changes = before === undefined ? undefined : changesSince(before.snapshot, tree);
        layers.push(await packed(root, { compression: { kind } }, changes));
        await saveState(state, tree.snapshot, {});
      }
      await extracted(layers, join(folder, 'out'), { owner: 'keep' });
      assert.deepEqual(look(join(folder, 'out')), look(root), `seed ${seed}`);
    }
  });
}

test('changes split into several layers say the same together, with links in one layer', async () => {
  const folder = await scratch();
  const [root, state] = [join(folder, 'tree'), join(folder, 'state')];
  fs.mkdirSync(root);
  const next = numbers(7);
  mutate(root, next, 150);
  await saveState(state, (await scanTree(root)).snapshot, {});
  const layers = [await packed(root)];
  mutate(root, next, 150);
  const before = loadState(state);
  assert.ok(before !== undefined);
  const parts = splitChanges(changesSince(before.snapshot, await scanTree(root)), { partSize: 100_000, most: 5 });
  assert.equal(parts.length, 5);
  for (const part of parts) layers.push(await packed(root, {}, part));
  await extracted(layers, join(folder, 'out'), { owner: 'keep' });
  assert.deepEqual(look(join(folder, 'out')), look(root));
});

test('an unchanged tree has no changes; a file changed in place with its size and mtime has', async () => {
  const folder = await scratch();
  const root = join(folder, 'tree');
  fs.mkdirSync(join(root, 'sub'), { recursive: true });
  fs.writeFileSync(join(root, 'sub/same'), 'one');
  fs.writeFileSync(join(root, 'other'), 'x');
  await saveState(join(folder, 'state'), (await scanTree(root)).snapshot, { digest: 'd' });
  const state = loadState(join(folder, 'state'));
  assert.ok(state !== undefined);
  assert.deepEqual(state.about, { digest: 'd' });
  assert.deepEqual([...changesSince(state.snapshot, await scanTree(root))], []);
  const { atime, mtime } = fs.statSync(join(root, 'sub/same'));
  fs.writeFileSync(join(root, 'sub/same'), 'two');
  fs.utimesSync(join(root, 'sub/same'), atime, mtime);
  const paths = Array.from(
    changesSince(state.snapshot, await scanTree(root)),
    (change) => change.kind === 'put' && change.node.path,
  );
  assert.deepEqual(paths, ['sub', 'sub/same']);
});

test('the same tree gives the same digest, wherever and whenever it is packed', async () => {
  const digests = new Set<string>();
  for (let i = 0; i < 2; i++) {
    const root = join(await scratch(), `tree-${i}`);
    fs.mkdirSync(root);
    const names = ['b', 'a', 'c/d'];
    fs.mkdirSync(join(root, 'c'));
    for (const name of i === 0 ? names : names.toReversed()) fs.writeFileSync(join(root, name), name);
    const bytes = await packed(root, { times: { latest: 1_000_000 } });
    digests.add(createHash('sha256').update(bytes).digest('hex'));
  }
  assert.equal(digests.size, 1);
});

test('a folder that lost all it had is one mark; a removed folder is one whiteout', async () => {
  const folder = await scratch();
  const root = join(folder, 'tree');
  for (const path of ['cache/a', 'cache/b', 'gone/x/y']) {
    fs.mkdirSync(join(root, path, '..'), { recursive: true });
    fs.writeFileSync(join(root, path), path);
  }
  const before = await scanTree(root);
  fs.rmSync(join(root, 'gone'), { recursive: true });
  fs.rmSync(join(root, 'cache/a'));
  fs.rmSync(join(root, 'cache/b'));
  fs.writeFileSync(join(root, 'cache/c'), '');
  const changes = changesSince(before.snapshot, await scanTree(root));
  const said = Array.from(changes, (change) => [change.kind, change.kind === 'put' ? change.node.path : change.path]);
  assert.deepEqual(said, [
    ['remove', 'gone'],
    ['put', 'cache'],
    ['empty', 'cache'],
    ['put', 'cache/c'],
  ]);
});

test('what is in .ociignore and the patterns stays out', async () => {
  const root = await scratch();
  for (const path of ['keep/a.txt', 'keep/b.log', 'node_modules/x', 'keep/c.tmp']) {
    fs.mkdirSync(join(root, path, '..'), { recursive: true });
    fs.writeFileSync(join(root, path), '');
  }
  fs.writeFileSync(join(root, '.ociignore'), '*.log\n!keep/b.log\n.ociignore\nnode_modules/\n');
  const all = await scanTree(root, { exclude: ['*.tmp'] });
  assert.deepEqual(
    all.nodes.map(({ path }) => path),
    ['keep', 'keep/a.txt', 'keep/b.log'],
  );
  const some = await scanTree(root, { include: ['*.txt'] });
  assert.deepEqual(
    some.nodes.map(({ path }) => path),
    ['keep', 'keep/a.txt'],
  );
});

test('an .ociignore that is no file is an error, and not read: it may have no end, or nobody who writes', async () => {
  const root = await scratch();
  const file = join(root, '.ociignore');
  const noFile = /\.ociignore is no file: expected gitignore patterns$/;
  for (const [make, message] of [
    [() => fs.symlinkSync('/dev/zero', file), noFile],
    [() => execFileSync('mkfifo', [file]), noFile],
    [() => fs.mkdirSync(file), noFile],
    [() => fs.writeFileSync(file, 'x\n'.repeat(2 ** 20)), /\.ociignore has 2097152 bytes: expected at most 1048576$/],
  ] as const) {
    make();
    await assert.rejects(scanTree(root), { code: 'INVALID', message });
    assert.ok((await scanTree(root, { ignoreFile: false })).paths.length < 2);
    fs.rmSync(file, { recursive: true });
  }
  fs.symlinkSync('nowhere', file);
  assert.deepEqual((await scanTree(root)).paths, ['.ociignore']);
});

test('extended attributes come back, with bytes of any value', {
  skip: loadLibc() === undefined ? 'node:ffi came with Node 26' : false,
}, async (context) => {
  const root = await scratch();
  fs.writeFileSync(join(root, 'a'), 'x');
  const fd = fs.openSync(join(root, 'a'), 'r+');
  const value = Buffer.from([0, 10, 61, 255, 128]);
  const isSet = loadLibc()?.set(fd, 'user.test', value);
  fs.closeSync(fd);
  if (isSet !== true) {
    return context.skip('user.* cannot be set here, so none could come back: tmpfs before Linux 6.6, NFS before 4.2');
  }
  const target = join(await scratch(), 'out');
  await extracted([await packed(root)], target);
  const copy = fs.openSync(join(target, 'a'), 'r');
  assert.deepEqual(loadLibc()?.get(copy, 'user.test'), value);
  fs.closeSync(copy);
});

test('times before 1970 come back, whole seconds too', async () => {
  const root = await scratch();
  const times = ['-1', '-1.5', '-86400', '-2147483648', '0'];
  fs.mkdirSync(join(root, 'folder'));
  for (const [i, time] of times.entries()) {
    fs.writeFileSync(join(root, `file${i}`), 'x');
    fs.symlinkSync('file', join(root, `link${i}`));
    // Of a number below zero Node makes now.
    for (const name of ['file', 'link']) fs.lutimesSync(join(root, `${name}${i}`), time, time);
  }
  fs.writeFileSync(join(root, 'large'), Buffer.alloc(3_000_000));
  fs.utimesSync(join(root, 'large'), '-7', '-7');
  fs.utimesSync(join(root, 'folder'), '-9', '-9');
  const target = join(await scratch(), 'out');
  await extracted([await packed(root)], target);
  assert.equal(fs.statSync(join(target, 'large')).mtimeMs, -7000);
  assert.deepEqual(look(target), look(root));
});

test('holes stay holes', async () => {
  const root = await scratch();
  const fd = fs.openSync(join(root, 'sparse'), 'w');
  fs.writeSync(fd, 'end', 200_000_000);
  fs.closeSync(fd);
  const target = join(await scratch(), 'out');
  const { bytes } = await extracted([await packed(root)], target);
  assert.ok(bytes < 1_000_000);
  const found = fs.statSync(join(target, 'sparse'));
  assert.equal(found.size, 200_000_003);
  assert.ok(found.blocks * 512 < 10_000_000);
});
