import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import type { Limits } from '../../runtime/archive/limits.ts';
import { tarOf } from './support.ts';

/** A folder of this process's own that images try to write into. */
export const elsewhere = mkdtempSync(join(tmpdir(), 'subpipe-test-'));

/** What an image may be made of to do harm, and how it is refused. Those with `limits` are harmless without them. */
export const hostileLayers: Record<string, { layers: Buffer[]; error: RegExp; limits?: Partial<Limits> }> = {
  'an absolute path': {
    layers: [tarOf({ path: join(elsewhere, 'evil'), content: 'x' })],
    error: /expected a relative path/,
  },
  'a path with ..': { layers: [tarOf({ path: '../evil', content: 'x' })], error: /expected a relative path/ },
  'a path with .. inside': {
    layers: [tarOf({ path: 'a/../../evil', content: 'x' })],
    error: /expected a relative path/,
  },
  'a path with a NUL': {
    layers: [tarOf({ path: `${'long/'.repeat(60)}a\0b`, content: 'x' })],
    error: /expected a relative path/,
  },
  'a file below a symlink': {
    layers: [tarOf({ path: 'l', type: 'symlink', target: '..' }, { path: 'l/evil', content: 'x' })],
    error: /below l, which is a symlink/,
  },
  'a folder below a symlink': {
    layers: [tarOf({ path: 'l', type: 'symlink', target: elsewhere }, { path: 'l/evil/', type: 'folder' })],
    error: /below l, which is a symlink/,
  },
  'a path that no folder can have': {
    layers: [tarOf({ path: `${'a/'.repeat(500_000)}b`, content: 'x' })],
    error: /path of 1000001 bytes, "a\/a\/a\/.*": no more than 4096 are possible/,
  },
  'a hardlink to what no path can name': {
    layers: [tarOf({ path: 'l', type: 'hardlink', target: `${'a/'.repeat(500_000)}b` })],
    error: /path of 1000001 bytes/,
  },
  'a hardlink to the outside': {
    layers: [tarOf({ path: 'l', type: 'hardlink', target: '/etc/passwd' })],
    error: /expected a relative path/,
  },
  'a hardlink up': {
    layers: [tarOf({ path: 'l', type: 'hardlink', target: '../x' })],
    error: /expected a relative path/,
  },
  'a hardlink through a symlink': {
    layers: [
      tarOf({ path: 's', type: 'symlink', target: '/etc' }, { path: 'l', type: 'hardlink', target: 's/passwd' }),
    ],
    error: /no file of the image/,
  },
  'a hardlink to nothing': {
    layers: [tarOf({ path: 'l', type: 'hardlink', target: 'x' })],
    error: /no file of the image/,
  },
  'a file in place of the folder': {
    layers: [tarOf({ path: '.', content: 'x' })],
    error: /something else than the fold/,
  },
  'a symlink in place of the folder': {
    layers: [tarOf({ path: './', type: 'symlink', target: elsewhere })],
    error: /something else than the folder/,
  },
  'a whiteout of ..': { layers: [tarOf({ path: 'a/.wh...' })], error: /removes nothing/ },
  'a whiteout of nothing': { layers: [tarOf({ path: '.wh.' })], error: /removes nothing/ },
  'a symlink that points nowhere': {
    layers: [tarOf({ path: 's', type: 'symlink', target: '' })],
    error: /points nowhere/,
  },
  'a file that is cut off': {
    layers: [tarOf({ path: 'a', size: 5000 }).subarray(0, 1500)],
    error: /middle of an entry/,
  },
  'no tar': { layers: [Buffer.alloc(2000, 'x')], error: /is no tar/ },
  'a zstd frame that is cut off': {
    layers: [zstdCompressSync(tarOf({ path: 'a' })).subarray(0, 60)],
    error: /zstd frame/,
  },
  'garbage after a zstd frame': {
    layers: [Buffer.concat([zstdCompressSync(tarOf({ path: 'a' })), Buffer.from('garbage!')])],
    error: /no zstd frame/,
  },
  'more entries than allowed': {
    layers: [tarOf({ path: 'a' }, { path: 'b' }, { path: 'c' })],
    error: /limit "entries" of 2/,
    limits: { entries: 2 },
  },
  'more bytes than allowed': {
    layers: [tarOf({ path: 'a', content: 'x'.repeat(2_000_000) })],
    error: /limit "bytes"/,
    limits: { bytes: 1_000_000 },
  },
  'a size larger than allowed': { layers: [tarOf({ path: 'a', size: 2 ** 45 })], error: /limit "size"/ },
};
