import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadLibc } from '../../runtime/archive/libc.ts';
import { indexLayer, stackIndexes } from '../../runtime/archive/merge/layer-index.ts';
import { changesFromBase } from '../../runtime/archive/tree/base.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import { selectPaths } from '../../runtime/archive/tree/select.ts';
import { numbers } from '../support/random.ts';
import { mutate } from './generate.ts';
import { extracted, layerOf, look, packed, scratch, tarOf } from './support.ts';

test('without a state, content tells what differs from an image', async () => {
  const folder = await scratch();
  const root = join(folder, 'tree');
  mkdirSync(root);
  mutate(root, numbers(5), 100);
  writeFileSync(join(root, 'same-size'), 'one');
  writeFileSync(join(root, 'mode'), '');
  writeFileSync(join(root, 'lost'), '');
  const layer = await packed(root);
  const copy = join(folder, 'copy');
  await extracted([layer], copy, { owner: 'keep' });
  const base = stackIndexes([await indexLayer(layerOf(layer))]);
  assert.deepEqual([...changesFromBase(base, await scanTree(copy))], []);
  const { atime, mtime } = statSync(join(copy, 'same-size'));
  writeFileSync(join(copy, 'same-size'), 'two');
  utimesSync(join(copy, 'same-size'), atime, mtime);
  chmodSync(join(copy, 'mode'), 0o600);
  rmSync(join(copy, 'lost'));
  const changes = changesFromBase(base, await scanTree(copy), { times: false });
  const said = Array.from(changes, (change) => [change.kind, change.kind === 'put' ? change.node.path : change.path]);
  assert.deepEqual(said, [
    ['remove', 'lost'],
    ['put', 'mode'],
    ['put', 'same-size'],
  ]);
  const target = join(folder, 'out');
  await extracted([layer, await packed(copy, {}, changes)], target, { owner: 'keep' });
  assert.deepEqual(look(target), look(copy));
});

test('without a state, attributes and names of one file differ as well', async () => {
  const root = join(await scratch(), 'tree');
  mkdirSync(join(root, 'folder'), { recursive: true });
  for (const name of ['a', 'b', 'linked', 'link']) writeFileSync(join(root, name), 'same');
  rmSync(join(root, 'link'));
  linkSync(join(root, 'linked'), join(root, 'link'));
  for (const name of ['a', 'b', 'link']) utimesSync(join(root, name), 100, 100);
  utimesSync(join(root, 'folder'), 100, 100);
  const base = stackIndexes([await indexLayer(layerOf(await packed(root)))]);
  const changed = async () =>
    Array.from(changesFromBase(base, await scanTree(root)), (one) => one.kind === 'put' && one.node.path);
  assert.deepEqual(await changed(), []);
  const libc = loadLibc();
  for (const name of ['folder', 'a']) {
    const fd = openSync(join(root, name), 'r');
    libc?.set(fd, 'user.note', Buffer.from('new'));
    closeSync(fd);
  }
  assert.deepEqual(await changed(), libc === undefined ? [] : ['a', 'folder']);
  rmSync(join(root, 'a'));
  linkSync(join(root, 'b'), join(root, 'a'));
  copyFileSync(join(root, 'linked'), join(root, 'apart'));
  renameSync(join(root, 'apart'), join(root, 'link'));
  utimesSync(join(root, 'link'), 100, 100);
  const names = libc === undefined ? ['a', 'b', 'link', 'linked'] : ['a', 'b', 'folder', 'link', 'linked'];
  assert.deepEqual(await changed(), names);
});

test('paths are all that is extracted, with links to files that are not', async () => {
  const target = join(await scratch(), 'out');
  const tar = tarOf(
    { path: 'a/one', content: '1' },
    { path: 'b/two', content: '2' },
    { path: 'b/link', type: 'hardlink', target: 'a/one' },
    { path: 'bb', content: '3' },
  );
  await extracted([tar], target, { select: selectPaths(['b/']) });
  assert.deepEqual(readdirSync(target, { recursive: true }).sort(), ['b', 'b/link', 'b/two']);
  for (const path of ['/etc', '../x', '.']) assert.throws(() => selectPaths([path]), /expected paths in the workspace/);
});

test('with mode group, the group may do what the owner may', async () => {
  const target = join(await scratch(), 'out');
  await extracted([tarOf({ path: 'd', type: 'folder', mode: 0o700 }, { path: 'd/x', mode: 0o640 })], target, {
    mode: 'group',
  });
  assert.equal(statSync(join(target, 'd')).mode & 0o777, 0o770);
  assert.equal(statSync(join(target, 'd/x')).mode & 0o777, 0o660);
});
