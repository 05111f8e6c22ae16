import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Compression } from '../../runtime/archive/layer/compression.ts';
import { type Entry, textEntry } from '../../runtime/archive/layer/entry.ts';
import { writeLayer } from '../../runtime/archive/layer/layer.ts';
import { scratch } from '../oci/helpers.ts';

const sha = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const big = randomBytes(3_000_000);
const entries: Entry[] = [
  { type: 'symlink', path: 'usr/lib/link', target: '../bin/tool' },
  textEntry('usr/bin/tool', 'content', { mode: 0o755 }),
  { type: 'folder', path: 'tmp', mode: 0o1777 },
  textEntry('data/big', big, { uid: 65532, gid: 65532, mtime: 1_700_000_000 }),
  textEntry(`${'long/'.repeat(60)}ünï`, 'x'),
];

async function write(list: Entry[], compression: Compression) {
  const file = join(await scratch(), 'layer');
  const layer = await writeLayer(list, createWriteStream(file), { compression });
  return { layer, file, bytes: await readFile(file) };
}

for (const compression of [{ kind: 'none' }, { kind: 'gzip' }, { kind: 'zstd' }] as const) {
  test(`digest, size and diffID of a ${compression.kind} layer are those of its bytes`, async () => {
    const { layer, bytes } = await write(entries, compression);
    const tar = { none: (b: Buffer) => b, gzip: gunzipSync, zstd: zstdDecompressSync }[compression.kind](bytes);
    assert.equal(layer.descriptor.digest, sha(bytes));
    assert.equal(layer.descriptor.size, bytes.length);
    assert.equal(layer.diffId, sha(tar));
    assert.equal(layer.tarSize, tar.length);
  });
}

test('the order of entries does not matter, and parents are added', async () => {
  const one = await write(entries, { kind: 'none' });
  const two = await write(entries.toReversed(), { kind: 'none' });
  assert.equal(one.layer.diffId, two.layer.diffId);
  const list = execFileSync('tar', ['--utc', '--numeric-owner', '-tvf', one.file], { encoding: 'utf8' });
  assert.match(list, /drwxrwxrwt 0\/0 +0 1970-01-01 00:00 tmp\//);
  assert.match(list, /drwxr-xr-x 0\/0 +0 1970-01-01 00:00 usr\/bin\//);
  assert.match(list, /-rwxr-xr-x 0\/0 +7 1970-01-01 00:00 usr\/bin\/tool/);
  assert.match(list, /-rw-r--r-- 65532\/65532 +3000000 2023-11-14 22:13 data\/big/);
  assert.match(list, /usr\/lib\/link -> ..\/bin\/tool/);
  assert.ok(list.indexOf(' data/') < list.indexOf(' tmp/'));
});

test('paths that lead elsewhere, and paths listed twice, are refused', async () => {
  for (const path of ['/etc/passwd', '../x', 'a/../b', './a', 'a//b', '', 'a\0b']) {
    await assert.rejects(write([textEntry(path, '')], { kind: 'none' }), /cannot be in a layer/, path);
  }
  await assert.rejects(write([textEntry('a', ''), textEntry('a', '')], { kind: 'none' }), /a is in the layer twice/);
});

test('a file that is not as long as it was is an error', async () => {
  for (const size of [3, 7]) {
    const torn: Entry = { type: 'file', path: 'a', size, open: () => Readable.from([Buffer.from('12345')]) };
    await assert.rejects(write([torn], { kind: 'zstd' }), /a cannot be packed/, String(size));
  }
});
