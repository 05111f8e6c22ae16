import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { gnuFormats, makeForeignTree } from './foreign-tree.ts';
import { assertHuge } from './huge.ts';
import { extracted, look, packed, scratch } from './support.ts';

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
