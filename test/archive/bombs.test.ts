import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import process from 'node:process';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { unpack } from '../../runtime/archive/layer/unpack.ts';
import { defaultLimits, Meters } from '../../runtime/archive/limits.ts';
import { indexLayer } from '../../runtime/archive/merge/layer-index.ts';
import { extended, extracted, layerOf, scratch, tarOf } from './support.ts';

const gibibyte = 2 ** 30;

/** A zstd frame of 128 KiB of zeros in each block of 4 bytes: what costs nothing to send and much to unpack. @param said the content's size. */
function zeros(bytes: number, said?: number): Buffer {
  const block = 128 * 1024;
  const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, said === undefined ? 0x00 : 0x80, 0x58]);
  const content = Buffer.alloc(said === undefined ? 0 : 4);
  if (said !== undefined) content.writeUInt32LE(said);
  const blocks = Buffer.alloc(4 * Math.ceil(bytes / block));
  // A block of one byte that is repeated; the first bit says which is the last (RFC 8878, section 3.1.1.2).
  for (let at = 0; at < blocks.length; at += 4) blocks.writeUIntLE((block << 3) | (1 << 1), at, 3);
  blocks[blocks.length - 4] = (blocks[blocks.length - 4] ?? 0) | 1;
  return Buffer.concat([frame, content, blocks]);
}

/** Many records, each of 31 bytes. */
function records(from: number): string {
  return Array.from({ length: 10_000 }, (_, i) => `31 key-${String(from + i).padStart(12, '0')}=valuevalue\n`).join('');
}

test('zeros without end after the end of a tar are read no longer than the ratio says', async () => {
  const bomb = Buffer.concat([zstdCompressSync(tarOf({ path: 'a', content: 'x' })), zeros(1.2 * gibibyte)]);
  const folder = await scratch();
  await assert.rejects(extracted([bomb], `${folder}/out`), /limit "ratio" of 1000/);
  assert.deepEqual(readdirSync(folder), []);
});

test('a frame that becomes much is unpacked a piece at a time; one that does not say so is an error', async () => {
  const before = process.resourceUsage().maxRSS;
  const expected = 900 * 2 ** 20;
  let size = 0;
  for await (const piece of unpack(Readable.from([zeros(expected)]), 'much')) size += piece.length;
  assert.equal(size, expected);
  const liar = unpack(Readable.from([zeros(expected, 2 ** 20)]), 'the liar');
  await assert.rejects(liar.next(), /the liar cannot be unpacked/);
  const more = (process.resourceUsage().maxRSS - before) / 1024;
  assert.ok(more < 200, `${more} MiB more`);
});

test('what is written is no more than the ratio says; from 1 GiB on, as small things pack well', () => {
  const meters = new Meters();
  meters.startLayer({ name: 'the bomb', size: 1_000_000 });
  for (let written = 0; written < gibibyte; written += 2 ** 20) meters.written(2 ** 20);
  assert.throws(() => meters.written(1), /the bomb is too large: more than the limit "ratio" of 1000/);
  const honest = new Meters();
  honest.startLayer({ name: 'honest', size: 2 * gibibyte });
  honest.entry(16 * gibibyte);
  for (let read = 0; read < 16 * gibibyte; read += gibibyte) honest.read(gibibyte);
  honest.written(16 * gibibyte);
  assert.equal(defaultLimits.ratio, 1000);
});

test('extended headers of one entry, and of all, are no larger together than one may be', async () => {
  for (const flag of ['x', 'g'] as const) {
    const headers = Array.from({ length: 5 }, (_, i) => extended(flag, records(i * 10_000)));
    const target = `${await scratch()}/out`;
    await assert.rejects(extracted([Buffer.concat([...headers, tarOf({ path: 'a' })])], target), /more than 1048576/);
    const each = headers.map((header, i) => Buffer.concat([header, tarOf({ path: `${i}` }).subarray(0, 512)]));
    const spread = extracted([Buffer.concat([...each, Buffer.alloc(1024)])], target);
    if (flag === 'x') assert.equal((await spread).entries, 5);
    else await assert.rejects(spread, /more than 1048576/);
  }
});

test('limits hold where a layer is only looked at: by a merge, a diff, a push on a base', async () => {
  const tar = tarOf({ path: 'a', content: 'a' }, { path: 'b', content: 'b' }, { path: 'c', size: 0 });
  await assert.rejects(indexLayer(layerOf(tar), { limits: { entries: 2 } }), /limit "entries" of 2/);
  await assert.rejects(indexLayer(layerOf(tar), { limits: { size: 1 } }), /limit "size" of 1/);
  assert.equal((await indexLayer(layerOf(tar), { limits: { entries: 3, size: 2 } })).puts.size, 3);
});
