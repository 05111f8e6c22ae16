import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { before, test } from 'node:test';
import { extractLayers } from '../../runtime/archive/extract/extract.ts';
import { replaceFolder } from '../../runtime/archive/extract/replace.ts';
import type { Compression } from '../../runtime/archive/layer/compression.ts';
import type { Layer } from '../../runtime/archive/layer/layer.ts';
import { writeTree } from '../../runtime/archive/pack/write-tree.ts';
import { allOf, changesSince } from '../../runtime/archive/tree/changes.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import { loadState } from '../../runtime/archive/tree/state.ts';
import { Layout } from '../../runtime/oci/layout.ts';
import { mediaTypes, storeManifest } from '../../runtime/oci/manifest.ts';
import { blobOf } from '../oci/helpers.ts';
import { requirePrograms } from '../peer/requirements.ts';
import { numbers } from '../support/random.ts';
import { mutate } from './generate.ts';
import { look, saveState, scratch } from './support.ts';

/** Without root, umoci leaves all files to who runs it. */
const rootless = process.getuid?.() === 0 ? [] : ['--rootless'];

let root = '';
let folder = '';

/** A layout with an image of two layers: a tree, and what was changed in it. */
async function imageOf(compression: Compression): Promise<string> {
  const layout = await Layout.create(join(folder, `layout-${compression.kind}`));
  const tree = join(folder, `tree-${compression.kind}`);
  const state = join(folder, `state-${compression.kind}`);
  const next = numbers(3);
  mkdirSync(tree);
  // Large enough for a map at the end of the layer.
  writeFileSync(join(tree, 'large'), randomBytes(6_000_000));
  const layers: Layer[] = [];
  for (let round = 0; round < 2; round++) {
    const known = loadState(state);
    mutate(tree, next, 120);
    const found = await scanTree(tree);
    await saveState(state, found.snapshot, {});
    const changes = known === undefined ? allOf(found) : changesSince(known.snapshot, found);
    const layer = await layout.addBlob((sink) => writeTree(found, changes, sink, { compression, attributes: false }));
    assert.equal(layer.map !== undefined, round === 0 && compression.kind !== 'none');
    layers.push(layer);
  }
  root = tree;
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      config: {},
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map(() => ({ created_by: 'test' })),
    }),
  );
  await layout.writeBlob(blobOf(config, mediaTypes.config), () => Readable.from([config]));
  const manifest = storeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: blobOf(config, mediaTypes.config),
    layers: layers.map(({ descriptor }) => descriptor),
  });
  await layout.writeManifest(manifest, 'it');
  return layout.folder;
}

/** Without times of symlinks and folders, and what such programs do not keep. */
function rough(seen: Map<string, unknown>): Map<string, unknown> {
  return new Map([...seen].map(([path, value]) => [path, { ...(value as object), mtime: undefined }]));
}

before(async () => {
  await requirePrograms(['umoci', 'skopeo']);
  folder = await scratch();
});

test('umoci unpacks our layers to the same tree', async () => {
  const layout = await imageOf({ kind: 'gzip' });
  const bundle = join(folder, 'bundle');
  execFileSync('umoci', ['unpack', ...rootless, '--image', `${layout}:it`, bundle], { stdio: 'pipe' });
  assert.deepEqual(rough(look(join(bundle, 'rootfs'))), rough(look(root)));
});

for (const kind of ['zstd', 'none'] as const) {
  test(`skopeo copies our ${kind} layers, repacks them, and what it made is read`, async () => {
    const layout = await imageOf({ kind });
    const copy = join(folder, `copy-${kind}`);
    const flags = ['copy', '--insecure-policy', '--dest-compress-format', 'gzip', '--dest-compress'];
    execFileSync('skopeo', [...flags, `oci:${layout}:it`, `oci:${copy}:it`], { stdio: 'pipe' });
    const target = await Layout.open(copy);
    const stored = await target.readManifest('it');
    assert.ok(stored.kind === 'image');
    const stages = stored.value.layers.map((layer) => ({
      layer: { name: layer.digest, size: layer.size, open: () => target.readBlob(layer) },
    }));
    const out = join(folder, `out-${kind}`);
    await replaceFolder(out, (inner) => extractLayers(stages, inner, { owner: 'keep' }));
    assert.deepEqual(look(out), look(root));
  });
}
