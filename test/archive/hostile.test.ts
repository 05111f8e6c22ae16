import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { extractLayers } from '../../runtime/archive/extract/extract.ts';
import { replaceFolder } from '../../runtime/archive/extract/replace.ts';
import { SubpipeError } from '../../runtime/errors.ts';
import { elsewhere, hostileLayers } from './hostile-layers.ts';
import { extracted, layerOf, look, packed, scratch, tarOf } from './support.ts';

for (const [name, { layers, error, limits = {} }] of Object.entries(hostileLayers)) {
  test(`${name} is refused, and nothing is left`, async () => {
    const folder = await scratch();
    const target = join(folder, 'inner/target');
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, 'mine'), 'as it was');
    const before = look(folder);
    await assert.rejects(extracted(layers, target, { limits }), (thrown: unknown) => {
      assert.ok(thrown instanceof SubpipeError);
      assert.match(thrown.message, error);
      return true;
    });
    const after = look(folder);
    for (const seen of [before, after]) seen.delete('/inner/target'); // its mtime
    assert.deepEqual(after, before);
    assert.deepEqual(readdirSync(elsewhere), []);
  });
}

test('devices and pipes are left out and told', async () => {
  const target = join(await scratch(), 'out');
  const told: string[] = [];
  for (const flag of ['3', '4', '6']) {
    const tar = tarOf({ path: 'special' }, { path: 'file', content: 'x' });
    tar.write(flag, 156, 'latin1');
    tar.write('        ', 148, 'latin1');
    const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    await extracted([tar], target, { warn: (message) => told.push(message) });
    assert.deepEqual(readdirSync(target), ['file']);
  }
  const what = ['a device', 'a device', 'a pipe'];
  assert.deepEqual(
    told,
    what.map((kind) => `special is ${kind}: left out`),
  );
});

test("an image with a folder of our own work folder's name leaves no journal for the next repair", async () => {
  const journal = JSON.stringify({ old: [], new: ['mine'] });
  const tar = tarOf({ path: '.subpipe-pull/journal', content: journal }, { path: 'x', content: 'x' });
  const target = join(await scratch(), 'target');
  for (const _ of ['a folder that is not there', 'one that is', 'again']) {
    await extracted([tar], target);
    assert.deepEqual(readdirSync(target), ['x']);
  }
});

test('links that somebody puts into the workspace while it is pulled are replaced, and not followed', async () => {
  const folder = await scratch();
  const [target, outside] = [join(folder, 'target'), join(folder, 'outside')];
  for (const path of [target, outside]) mkdirSync(path);
  writeFileSync(join(target, 'mine'), '');
  const bytes = tarOf({ path: 'd/x', content: 'x' }, { path: 'f', content: 'inside' });
  const racing = async function* () {
    yield bytes.subarray(0, 1024);
    symlinkSync(outside, join(target, 'd'));
    symlinkSync(join(outside, 'f'), join(target, 'f'));
    yield bytes.subarray(1024);
  };
  const layer = { ...layerOf(bytes), open: async () => Readable.from(racing()) };
  await replaceFolder(target, (inner) => extractLayers([{ layer }], inner));
  assert.deepEqual(readdirSync(outside), []);
  assert.deepEqual(readdirSync(target, { recursive: true }).sort(), ['d', 'd/x', 'f']);
  for (const name of ['d', 'f']) assert.ok(!lstatSync(join(target, name)).isSymbolicLink(), name);
});

test('a symlink of a layer below is replaced by the folder of one above, and not followed', async () => {
  const folder = await scratch();
  const outside = join(folder, 'outside');
  mkdirSync(outside);
  const below = tarOf({ path: 'd', type: 'symlink', target: outside });
  await extracted([below, tarOf({ path: 'd/x', content: 'inside' })], join(folder, 'out'));
  assert.deepEqual(readdirSync(outside), []);
  assert.equal(readFileSync(join(folder, 'out/d/x'), 'utf8'), 'inside');
  await extracted([tarOf({ path: 'd/x', content: 'y' }), below], join(folder, 'two'));
  assert.ok(lstatSync(join(folder, 'two/d')).isSymbolicLink());
  assert.deepEqual(readdirSync(outside), []);
});

test('a stream that fails at its end, as one with a wrong digest does, leaves the folder as it was', async () => {
  const target = join(await scratch(), 'target');
  mkdirSync(target);
  writeFileSync(join(target, 'mine'), 'as it was');
  const bytes = await packed(target);
  const wrong = async function* () {
    yield bytes;
    throw new SubpipeError('FAILED', 'has another digest');
  };
  const layer = { ...layerOf(bytes), open: async () => Readable.from(wrong()) };
  await assert.rejects(
    replaceFolder(target, (folder) => extractLayers([{ layer }], folder)),
    /another digest/,
  );
  assert.deepEqual(readdirSync(target), ['mine']);
  const other = { ...layerOf(bytes), diffId: `sha256:${'0'.repeat(64)}` as const };
  await assert.rejects(
    replaceFolder(target, (folder) => extractLayers([{ layer: other }], folder)),
    /but its image says/,
  );
  assert.deepEqual(readdirSync(target), ['mine']);
});
