import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { extracted, look, packed, scratch } from './support.ts';

let root = '';

function sh(command: string, input?: Buffer): Buffer {
  return execFileSync('bash', ['-o', 'pipefail', '-c', command], { cwd: root, input, maxBuffer: 2 ** 30 });
}

function has(program: string): boolean {
  return ['/usr/bin', '/bin', '/usr/local/bin'].some((folder) => fs.existsSync(join(folder, program)));
}

/** What tars of seconds tell; old formats have no more. */
function inSeconds(seen: Map<string, unknown>): Map<string, unknown> {
  return new Map([...seen].map(([path, value]) => [path, { ...(value as object), mtime: undefined }]));
}

before(async () => {
  root = join(await scratch(), 'tree');
  fs.mkdirSync(join(root, `${'a-long-name/'.repeat(30)}`), { recursive: true });
  fs.writeFileSync(join(root, `${'a-long-name/'.repeat(30)}file`), 'deep');
  fs.writeFileSync(join(root, 'n'.repeat(200)), 'long');
  fs.symlinkSync('t'.repeat(300), join(root, 'link'));
  fs.writeFileSync(join(root, 'file'), Buffer.alloc(3_000_000, 'content '));
  fs.linkSync(join(root, 'file'), join(root, 'second'));
  fs.writeFileSync(join(root, 'ünï'), '');
  for (let i = 0; i < 300; i++) fs.writeFileSync(join(root, `file-${i}`), `${i}`.repeat(i * 40));
  const fd = fs.openSync(join(root, 'sparse'), 'w');
  for (let i = 0; i < 40; i++) fs.writeSync(fd, `part ${i}`, i * 1_000_000);
  fs.ftruncateSync(fd, 50_000_000);
  fs.closeSync(fd);
});

for (const flags of [
  '--format=pax',
  '--format=gnu',
  '--format=gnu --sparse',
  '--format=pax --sparse --sparse-version=0.0',
  '--format=pax --sparse --sparse-version=0.1',
  '--format=pax --sparse --sparse-version=1.0',
]) {
  test(`GNU tar ${flags} is read`, async () => {
    const target = join(await scratch(), 'out');
    await extracted([sh(`tar ${flags} -cf - .`)], target, { owner: 'keep' });
    assert.deepEqual(inSeconds(look(target)), inSeconds(look(root)));
  });
}

for (const program of ['zstd -T0', 'zstd -T2 -B1048576', 'pzstd -p2', 'gzip', 'pigz']) {
  const skip = has(program.split(' ')[0] ?? '') ? false : `${program} is not installed`;
  test(`layers packed by ${program} are read`, { skip }, async () => {
    const target = join(await scratch(), 'out');
    await extracted([sh(`tar -cf - . | ${program} -c`)], target, { owner: 'keep' });
    assert.deepEqual(inSeconds(look(target)), inSeconds(look(root)));
  });
}

test('zstd frames of all sizes, with skippable ones between, and several gzip members are read', async () => {
  const tar = sh('tar --format=pax -cf - .');
  const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const frames: Buffer[] = [skippable];
  const members: Buffer[] = [];
  for (let at = 0, size = 1; at < tar.length; at += size, size = Math.min(size * 3, 30_000_000)) {
    frames.push(zstdCompressSync(tar.subarray(at, at + size)), skippable);
    members.push(sh('gzip -c', tar.subarray(at, at + size)));
  }
  for (const bytes of [Buffer.concat(frames), Buffer.concat(members)]) {
    const target = join(await scratch(), 'out');
    await extracted([bytes], target, { owner: 'keep' });
    assert.deepEqual(inSeconds(look(target)), inSeconds(look(root)));
  }
});

for (const kind of ['none', 'gzip', 'zstd'] as const) {
  const skip = kind === 'zstd' && !has('zstd') ? 'zstd is not installed' : false;
  test(`GNU tar reads our ${kind} layers, to the nanosecond`, { skip }, async () => {
    const target = await scratch();
    const file = join(await scratch(), 'layer');
    fs.writeFileSync(file, await packed(root, { compression: { kind } }));
    const unpack = { none: 'cat', gzip: 'gzip -dc', zstd: 'zstd -dc' }[kind];
    execFileSync('bash', ['-o', 'pipefail', '-c', `${unpack} ${file} | tar --numeric-owner -xpf - -C ${target}`]);
    assert.deepEqual(look(target), look(root));
  });
}
