import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { before, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { extractLayers } from '../../runtime/archive/extract/extract.ts';
import type { Compression } from '../../runtime/archive/layer/compression.ts';
import type { MapPlace } from '../../runtime/archive/layer/frame-map.ts';
import { conceal, reveal } from '../../runtime/archive/layer/hidden.ts';
import type { LayerSource } from '../../runtime/archive/layer/read-layer.ts';
import { writeTree } from '../../runtime/archive/pack/write-tree.ts';
import { allOf } from '../../runtime/archive/tree/changes.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import { selectPaths } from '../../runtime/archive/tree/select.ts';
import { Snapshot } from '../../runtime/archive/tree/snapshot.ts';
import { Tree } from '../../runtime/archive/tree/tree.ts';
import { SubpipeError } from '../../runtime/errors.ts';
import { digestOf } from '../../runtime/oci/digest.ts';
import { numbers } from '../support/random.ts';
import { scratch } from './support.ts';

const content = randomBytes(100_000);
let folder = '';
let root = '';

before(async () => {
  folder = await scratch();
  root = join(folder, 'tree');
  mkdirSync(join(root, 'd'), { recursive: true });
  for (let i = 0; i < 50; i++)
    writeFileSync(join(root, `d/${String(i).padStart(2, '0')}`), i === 30 ? content : randomBytes(100_000));
});

async function layerOf(compression: Compression): Promise<{ bytes: Buffer; map: MapPlace }> {
  const file = join(folder, 'layer');
  const tree = await scanTree(root);
  const { map } = await writeTree(tree, allOf(tree), createWriteStream(file), { compression });
  assert.ok(map !== undefined);
  return { bytes: await readFile(file), map };
}

/** A layer whose whole is not to be read. */
function partOf(bytes: Buffer, map: MapPlace): LayerSource {
  return {
    name: 'the layer',
    size: bytes.length,
    parts: { ...map, read: async (start, length) => Readable.from([bytes.subarray(start, start + length)]) },
    open: () => Promise.reject(new SubpipeError('FAILED', 'all of it was read')),
  };
}

async function pulled(layer: LayerSource): Promise<Buffer> {
  const out = join(folder, 'out');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
  await extractLayers([{ layer }], out, { select: selectPaths(['d/30']), asideFrom: Number.POSITIVE_INFINITY });
  return readFileSync(join(out, 'd/30'));
}

for (const kind of ['zstd', 'gzip'] as const) {
  test(`a map that says other than a ${kind} layer is an error, whatever it says`, async () => {
    const { bytes, map } = await layerOf({ kind });
    assert.ok((await pulled(partOf(bytes, map))).equals(content));
    const packed = reveal(bytes.subarray(map.offset));
    assert.ok(packed !== undefined);
    const plain = zstdDecompressSync(packed);
    const next = numbers(5);
    let refused = 0;
    for (let i = 0; i < 100; i++) {
      const changed = Buffer.from(plain);
      // Most of it is digests; what is before and after them is more of a danger.
      const at = Math.floor(next() * (next() < 0.5 ? plain.length : 300));
      changed[at] = Math.floor(next() * 256);
      const hidden = conceal(zstdCompressSync(next() < 0.1 ? changed.subarray(0, at) : changed), kind);
      const layer = partOf(Buffer.concat([bytes.subarray(0, map.offset), hidden]), {
        ...map,
        digest: digestOf(hidden),
      });
      try {
        assert.ok((await pulled(layer)).equals(content), `run ${i}`);
      } catch (error) {
        const isKnown =
          error instanceof SubpipeError || (error instanceof Error && 'code' in error && error.code === 'ENOENT');
        if (!isKnown) throw error;
        refused++;
      }
    }
    assert.ok(refused > 15 && refused < 100, `${refused}`);
  });
}

test('hidden bytes are found again, in as many members of gzip as they need', () => {
  for (const size of [1, 65_531, 65_532, 200_000]) {
    const bytes = randomBytes(size);
    for (const kind of ['zstd', 'gzip'] as const) {
      const hidden = conceal(bytes, kind);
      assert.deepEqual(reveal(hidden), bytes);
      assert.equal(reveal(hidden.subarray(0, -1)), undefined);
      assert.equal(reveal(Buffer.concat([hidden, Buffer.of(0)])), undefined);
    }
  }
});

test('small layers, layers of one file, and those that are not packed have no map', async () => {
  const tree = await scanTree(root);
  const one = join(folder, 'one');
  mkdirSync(one);
  writeFileSync(join(one, 'file'), randomBytes(6_000_000));
  const few = new Tree(tree.root, Snapshot.of(tree.nodes.slice(0, 20)));
  for (const [what, kind] of [
    [few, 'zstd'],
    [await scanTree(one), 'zstd'],
    [tree, 'none'],
  ] as const) {
    const layer = await writeTree(what, allOf(what), createWriteStream(join(folder, 'layer')), {
      compression: { kind },
    });
    assert.equal(layer.map, undefined);
  }
});
