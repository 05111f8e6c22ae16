import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { changesSince } from '../../runtime/archive/tree/changes.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import { loadState } from '../../runtime/archive/tree/state.ts';
import { numbers } from '../support/random.ts';
import { mutate } from './generate.ts';
import { extracted, look, packed, saveState, scratch, tarOf } from './support.ts';

const here = { asideFrom: Number.POSITIVE_INFINITY };
const aside = { asideFrom: 0 };

async function same(layers: Buffer[], what = 'the tar'): Promise<string> {
  const folder = await scratch();
  const one = await extracted(layers, join(folder, 'one'), here);
  const two = await extracted(layers, join(folder, 'two'), aside);
  assert.deepEqual(two, one, what);
  assert.deepEqual(look(join(folder, 'two')), look(join(folder, 'one')), what);
  return join(folder, 'two');
}

test('another thread writes what this one would', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const next = numbers(seed * 17);
    const folder = await scratch();
    const [root, state] = [join(folder, 'tree'), join(folder, 'state')];
    mkdirSync(root);
    const layers: Buffer[] = [];
    for (let round = 0; round < 3; round++) {
      const before = loadState(state);
      mutate(root, next, 60);
      const tree = await scanTree(root);
      layers.push(await packed(root, {}, before === undefined ? undefined : changesSince(before.snapshot, tree)));
      await saveState(state, tree.snapshot, {});
    }
    await same(layers, `seed ${seed}`);
  }
});

test('what a tar has twice, and links to it, are written in their order', async () => {
  const many = Array.from({ length: 1500 }, (_, i) => ({ path: `many/${i}`, content: 'x'.repeat(i), mode: 0o4777 }));
  const out = await same([
    tarOf(
      { path: 'many', type: 'folder', mode: 0o755 },
      ...many,
      { path: 'a', content: 'first' },
      { path: 'b', type: 'hardlink', target: 'a' },
      { path: 'a', content: 'second' },
      { path: 'c', type: 'hardlink', target: 'a' },
      { path: 'f/in', content: 'gone' },
      { path: 'f', content: 'a file' },
      { path: 'many/7', content: 'again' },
    ),
  ]);
  const text = (name: string) => readFileSync(join(out, name), 'utf8');
  assert.deepEqual(['a', 'b', 'c', 'f', 'many/7'].map(text), ['second', 'first', 'second', 'a file', 'again']);
});

test('what the other thread fails of is told, and the folder is as it was', async () => {
  const folder = join(await scratch(), 'out');
  mkdirSync(folder);
  writeFileSync(join(folder, 'before'), '');
  const layer = tarOf({ path: 'good', content: 'x' }, { path: 'n'.repeat(300), content: 'y' });
  await assert.rejects(extracted([layer], folder, aside), /ENAMETOOLONG/);
  const much = tarOf({ path: 'a', content: 'x'.repeat(600) }, { path: 'b', content: 'x'.repeat(600) });
  await assert.rejects(extracted([much], folder, { ...aside, limits: { bytes: 1000 } }), /limit "bytes"/);
  assert.deepEqual(readdirSync(folder), ['before']);
});
