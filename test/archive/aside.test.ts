import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { extractLayers } from '../../runtime/archive/extract/extract.ts';
import type { LayerSource } from '../../runtime/archive/layer/read-layer.ts';
import { unpack } from '../../runtime/archive/layer/unpack.ts';
import { changesSince } from '../../runtime/archive/tree/changes.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import { loadState } from '../../runtime/archive/tree/state.ts';
import { asDigest, digestOf } from '../../runtime/oci/digest.ts';
import { numbers } from '../support/random.ts';
import { mutate } from './generate.ts';
import { extracted, layerOf, look, packed, saveState, scratch, tarOf } from './support.ts';

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

test('another thread hashes what this one would, of layers however they are packed', async () => {
  const root = join(await scratch(), 'tree');
  mkdirSync(root);
  writeFileSync(join(root, 'large'), randomBytes(9_000_000));
  writeFileSync(join(root, 'zeros'), Buffer.alloc(3_000_000));
  writeFileSync(join(root, 'small'), 'small');
  const layers: LayerSource[] = [tarOf({ path: 'below', content: 'b' })].map((tar) => layerOf(tar, 'below'));
  for (const kind of ['zstd', 'gzip', 'none'] as const) {
    layers.push(layerOf(await packed(root, { compression: { kind } }), kind));
  }
  const stages = [];
  for (const layer of layers) {
    const hash = createHash('sha256');
    for await (const piece of unpack(await layer.open(), layer.name)) hash.update(piece);
    stages.push({ layer: { ...layer, diffId: asDigest(hash) } });
  }
  const both = { asideFrom: 0, hashAsideFrom: 0 };
  const out = await scratch();
  await extractLayers(stages, out, both);
  assert.deepEqual(readdirSync(out).sort(), ['below', 'large', 'small', 'zeros']);
  assert.ok(readFileSync(join(out, 'large')).equals(readFileSync(join(root, 'large'))));
  const wrong = stages.map(({ layer }) =>
    layer.name === 'gzip' ? { layer: { ...layer, diffId: digestOf('something else') } } : { layer },
  );
  await assert.rejects(extractLayers(wrong, await scratch(), both), /gzip has the content sha256:.*but its image says/);
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
