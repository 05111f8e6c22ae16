import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { packTree } from '../../runtime/archive/pack/write-tree.ts';
import { allOf } from '../../runtime/archive/tree/changes.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import { requirePrograms } from '../peer/requirements.ts';
import { gnuFormats, hugeSize, makeForeignTree, makeHuge } from './foreign-tree.ts';
import { assertHuge } from './huge.ts';
import { extracted, look, packed, scratch } from './support.ts';

let root = '';
let huge = '';

function sh(command: string, cwd: string): Buffer {
  return execFileSync('bash', ['-o', 'pipefail', '-c', command], { cwd, maxBuffer: 2 ** 30 });
}

/** What tars of seconds tell; old formats have no more. */
function inSeconds(seen: Map<string, unknown>): Map<string, unknown> {
  return new Map([...seen].map(([path, value]) => [path, { ...(value as object), mtime: undefined }]));
}

before(async () => {
  await requirePrograms(['bash', 'tar', 'gzip', 'pigz', 'zstd', 'pzstd']);
  const folder = await scratch();
  [root, huge] = [join(folder, 'tree'), join(folder, 'huge')];
  for (const path of [root, huge]) fs.mkdirSync(path);
  makeForeignTree(root);
  makeHuge(join(huge, 'huge'));
  fs.writeFileSync(join(root, 'large'), Buffer.alloc(3_000_000, 'content '));
  for (let i = 0; i < 300; i++) fs.writeFileSync(join(root, `file-${i}`), `${i}`.repeat(i * 40));
  for (const [name, mode] of Object.entries({ 'set-id': 0o6755, sticky: 0o1777 })) {
    fs.mkdirSync(join(root, name));
    fs.writeFileSync(join(root, name, 'file'), name);
    for (const path of [name, `${name}/file`]) fs.chmodSync(join(root, path), mode);
  }
  const fd = fs.openSync(join(root, 'sparse'), 'w');
  for (let i = 0; i < 40; i++) fs.writeSync(fd, `part ${i}`, i * 1_000_000);
  fs.ftruncateSync(fd, 50_000_000);
  fs.closeSync(fd);
});

for (const { flags, sparse } of Object.values(gnuFormats)) {
  test(`GNU tar ${flags} is read`, async () => {
    const target = join(await scratch(), 'out');
    await extracted([sh(`tar ${flags} -cf - .`, root)], target, { owner: 'keep' });
    assert.deepEqual(inSeconds(look(target)), inSeconds(look(root)));
    if (!sparse) return;
    await extracted([sh(`tar ${flags} -cf - .`, huge)], target);
    assertHuge(join(target, 'huge'));
  });
}

for (const program of ['zstd -T0', 'zstd -T2 -B1048576', 'pzstd -p2', 'gzip', 'pigz']) {
  test(`layers packed by ${program} are read`, async () => {
    const target = join(await scratch(), 'out');
    await extracted([sh(`tar -cf - . | ${program} -c`, root)], target, { owner: 'keep' });
    assert.deepEqual(inSeconds(look(target)), inSeconds(look(root)));
  });
}

for (const kind of ['none', 'gzip', 'zstd'] as const) {
  test(`GNU tar reads our ${kind} layers, to the nanosecond`, async () => {
    const target = await scratch();
    const file = join(await scratch(), 'layer');
    fs.writeFileSync(file, await packed(root, { compression: { kind } }));
    const unpack = { none: 'cat', gzip: 'gzip -dc', zstd: 'zstd -dc' }[kind];
    sh(`${unpack} ${file} | tar --numeric-owner -xpf - -C ${target}`, root);
    assert.deepEqual(look(target), look(root));
  });
}

test('GNU tar reads in our layer how large a file of over 8 GiB is', async () => {
  const tree = await scanTree(huge);
  for await (const piece of packTree(tree, allOf(tree), { compression: { kind: 'none' } })) {
    // All of it would take a minute: what GNU tar says before it finds that the rest is missing is enough.
    const { stdout } = spawnSync('tar', ['-tvf', '-'], { input: piece, encoding: 'utf8' });
    assert.match(stdout, new RegExp(` ${hugeSize} .* huge`));
    break;
  }
});
