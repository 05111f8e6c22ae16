import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { indexLayer } from '../../runtime/archive/merge/layer-index.ts';
import { fromText } from '../../runtime/archive/path.ts';
import { gnuFormats, makeForeignTree } from './foreign-tree.ts';
import { assertHuge } from './huge.ts';
import { extracted, layerOf, look, packed, scratch, tarOf } from './support.ts';

let root = '';

before(async () => {
  root = join(await scratch(), 'tree');
  fs.mkdirSync(root);
  makeForeignTree(root);
});

for (const [name, { flags, sparse }] of Object.entries(gnuFormats)) {
  const what = sparse ? 'a sparse file of over 8 GiB' : 'a tree';
  test(`${what} that GNU tar ${flags} has written is read`, async () => {
    const target = join(await scratch(), 'out');
    await extracted([fs.readFileSync(join(import.meta.dirname, `recorded/${name}.tar.gz`))], target);
    if (sparse) assertHuge(join(target, 'huge'));
    else assert.deepEqual(contents(look(target)), contents(look(root)));
  });
}

/** Without what depends on who has made the tree, and when. */
function contents(seen: Map<string, unknown>): Map<string, unknown> {
  const rest = { mode: undefined, mtime: undefined, uid: undefined, gid: undefined };
  return new Map([...seen].map(([path, value]) => [path, { ...(value as object), ...rest }]));
}

test('zstd frames of all sizes, with skippable ones between, and several gzip members are read', async () => {
  fs.writeFileSync(join(root, 'large'), Buffer.alloc(60_000_000, 'content '));
  const tar = await packed(root, { compression: { kind: 'none' } });
  const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const frames: Buffer[] = [skippable];
  const members: Buffer[] = [];
  for (let at = 0, size = 1; at < tar.length; at += size, size = Math.min(size * 3, 30_000_000)) {
    frames.push(zstdCompressSync(tar.subarray(at, at + size)), skippable);
    members.push(gzipSync(tar.subarray(at, at + size)));
  }
  for (const bytes of [Buffer.concat(frames), Buffer.concat(members)]) {
    const target = join(await scratch(), 'out');
    await extracted([bytes], target, { owner: 'keep' });
    assert.deepEqual(look(target), look(root));
  }
});

test("a symlink's other names, which containerd and GNU tar write as hardlinks, are the same symlink", async () => {
  const outside = join(await scratch(), 'outside');
  fs.writeFileSync(outside, 'not ours');
  const tar = tarOf(
    { path: 'one', type: 'symlink', target: outside, mtime: 1234 },
    { path: 'two', type: 'hardlink', target: 'one' },
    { path: 'three', type: 'hardlink', target: 'two' },
  );
  const above = tarOf(
    { path: 'one', content: 'a file in its place' },
    { path: 'four', type: 'hardlink', target: 'two' },
  );
  for (const [layers, options, names] of [
    [[tar], {}, ['one', 'three', 'two']],
    [[tar, above], {}, ['four', 'three', 'two']],
    [[tar], { select: (path: string) => path === 'three' }, ['three']],
  ] as const) {
    const target = join(await scratch(), 'out');
    await extracted([...layers], target, { ...options, looks: true });
    assert.deepEqual(
      fs.readdirSync(target).filter((name) => fs.lstatSync(join(target, name)).isSymbolicLink()),
      names,
    );
    for (const name of names) {
      assert.equal(fs.readlinkSync(join(target, name)), outside);
      assert.equal(fs.lstatSync(join(target, name)).mtimeMs, 1_234_000);
    }
  }
  assert.equal(fs.lstatSync(outside).nlink, 1);
  const { puts } = await indexLayer(layerOf(tar));
  assert.equal(puts.get(fromText('three'))?.header.target, outside, 'a merge knows it as a symlink too');
});
