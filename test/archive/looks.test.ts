import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { looksMoved } from '../../runtime/archive/tree/looks.ts';
import type { TreeNode } from '../../runtime/archive/tree/node.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import { numbers } from '../support/random.ts';
import { mutate } from './generate.ts';
import { extracted, packed, scratch, tarOf } from './support.ts';

/** What a scan finds, without what no state keeps. */
async function scanned(folder: string): Promise<TreeNode[]> {
  const { nodes } = await scanTree(folder);
  return nodes.map(({ linkTo: _, ...node }) => node);
}

async function pulled(layers: Buffer[], folder: string, asideFrom = 0): Promise<TreeNode[] | undefined> {
  const { looks } = await extracted(layers, folder, { looks: true, asideFrom });
  return looks && looksMoved(folder, looks)?.nodes();
}

test('what was seen while a tree was written is what a scan finds: whatever was there before, in both threads', async () => {
  const places: Record<string, (folder: string) => void> = {
    'a folder that is not there': () => {},
    'an empty folder': (folder) => mkdirSync(folder),
    'one that has something': (folder) => {
      mkdirSync(join(folder, 'old'), { recursive: true });
      writeFileSync(join(folder, 'old/file'), '');
    },
    "a volume's": (folder) => mkdirSync(join(folder, 'lost+found'), { recursive: true }),
    'one that steps have begun in': (folder) => mkdirSync(join(folder, 'dir/in'), { recursive: true }),
  };
  for (let seed = 1; seed <= 3; seed++) {
    const root = join(await scratch(), 'tree');
    mkdirSync(join(root, 'dir/in/deep'), { recursive: true });
    writeFileSync(join(root, 'dir/in/deep/file'), 'deep');
    writeFileSync(join(root, 'dir/in.file'), 'sorted after what is in the folder');
    mutate(root, numbers(seed * 31), 150);
    const layer = await packed(root);
    for (const [what, make] of Object.entries(places)) {
      for (const asideFrom of [0, Number.POSITIVE_INFINITY]) {
        const folder = join(await scratch(), 'out');
        make(folder);
        const nodes = await pulled([layer], folder, asideFrom);
        assert.deepEqual(nodes, await scanned(folder), `${what}, seed ${seed}`);
      }
    }
  }
});

test('links, what a tar has twice, and large and sparse files look as a scan finds them', async () => {
  const layer = tarOf(
    { path: 'a', content: 'first' },
    { path: 'b', type: 'hardlink', target: 'a' },
    { path: 'a', content: 'second' },
    { path: 'c', type: 'hardlink', target: 'a' },
    { path: 'large', content: 'x'.repeat(300_000), mode: 0o4755 },
    { path: 'holes', content: `x${'\0'.repeat(300_000)}` },
    { path: 'f/in', content: 'gone' },
    { path: 'f', content: 'a file' },
    { path: 's', type: 'symlink', target: 'nowhere' },
    { path: 'implied/folder/x', content: '' },
    { path: 'attributes', content: 'x', attributes: new Map([['user.a', Buffer.from('b')]]) },
    { path: 'lost+found/x', content: 'of another volume' },
    { path: '.subpipe-pull/journal', content: '{}' },
  );
  const folder = join(await scratch(), 'out');
  assert.deepEqual(await pulled([layer, tarOf({ path: 'above', content: 'y' })], folder), await scanned(folder));
});

test('where only a scan can tell, nothing is told: a list of what is ignored, folders that were there and stay', async () => {
  const [one, two] = [join(await scratch(), 'out'), join(await scratch(), 'out')];
  const entries = [
    { path: 'd/x', content: 'x' },
    { path: 'y', content: 'y' },
  ];
  assert.equal(await pulled([tarOf(...entries, { path: '.ociignore', content: 'y' })], one), undefined);
  mkdirSync(join(two, 'd/more'), { recursive: true });
  assert.equal(await pulled([tarOf(...entries)], two), undefined);
});

test('what somebody writes into a file after it was pulled is no part of what was seen', async () => {
  const folder = join(await scratch(), 'out');
  mkdirSync(folder);
  const { looks } = await extracted([tarOf({ path: 'x', content: 'x' }, { path: 'y', content: 'y' })], folder, {
    looks: true,
  });
  appendFileSync(join(folder, 'x'), 'changed');
  assert.ok(looks);
  const found = looksMoved(folder, looks)?.nodes() ?? [];
  const sizes = found.map(({ path, size }) => [path, size]);
  assert.deepEqual(sizes, [
    ['x', 1],
    ['y', 1],
  ]);
  symlinkSync('nowhere', join(folder, 'z'));
  assert.equal(looksMoved(folder, looks), undefined);
});
