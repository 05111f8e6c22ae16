import assert from 'node:assert/strict';
import { test } from 'node:test';
import { padded, type TarHeader } from '../../runtime/archive/tar/header.ts';
import { TarParser } from '../../runtime/archive/tar/parser.ts';
import { extended, tarOf } from './support.ts';

function read(...parts: Buffer[]): TarHeader[] {
  const found: TarHeader[] = [];
  const parser = new TarParser({ entry: (header) => found.push(header), data: () => {}, end: () => {} }, 'the tar');
  for (const part of parts) parser.write(part);
  parser.finish();
  return found;
}

/** `LENGTH KEY=VALUE` for each. */
function records(said: Record<string, string>): string {
  return Object.entries(said)
    .map(([key, value]) => {
      const rest = ` ${key}=${value}\n`;
      return `${rest.length + (rest.length < 9 ? 1 : 2)}${rest}`;
    })
    .join('');
}

/** Without the blocks that end a tar. */
const file = (path: string) => tarOf({ path, content: 'x', uid: 7, gid: 8, mtime: 9 }).subarray(0, 1024);
const symlink = tarOf({ path: 'link', type: 'symlink', target: 'there' });

test('what a global header says counts for all that follow, until another or an entry says otherwise', () => {
  const [one, two, three, four] = read(
    file('one'),
    extended('g', records({ uid: '1000', mtime: '1234.5', comment: 'abc' })),
    file('two'),
    extended('x', records({ uid: '2000' })),
    file('three'),
    extended('g', records({ mtime: '-1.5' })),
    tarOf({ path: 'four', content: 'x' }),
  );
  assert.deepEqual([one?.uid, one?.mtime], [7, 9]);
  assert.deepEqual([two?.uid, two?.mtime, two?.nanoseconds], [1000, 1234, 500_000_000]);
  assert.deepEqual([three?.uid, three?.mtime], [2000, 1234]);
  assert.deepEqual([four?.uid, four?.mtime, four?.nanoseconds], [1000, -2, 500_000_000]);
});

test('an empty record takes back what was said: the header itself counts (POSIX, pax)', () => {
  const keys = ['path', 'linkpath', 'size', 'uid', 'gid', 'mtime', 'GNU.sparse.name', 'GNU.sparse.realsize'];
  const empty = records(Object.fromEntries(keys.map((key) => [key, ''])));
  const [plain] = read(extended('x', empty), tarOf({ path: 'a', content: 'x', uid: 7, gid: 8, mtime: 9 }));
  assert.deepEqual([plain?.path, plain?.size, plain?.uid, plain?.gid, plain?.mtime], ['a', 1, 7, 8, 9]);
  const global = extended('g', records({ uid: '1000', linkpath: 'elsewhere' }));
  const [before, after] = read(global, file('a'), extended('x', empty), symlink);
  assert.equal(before?.uid, 1000);
  assert.deepEqual([after?.uid, after?.target], [0, 'there']);
});

test('the map of a sparse file may be longer than a block, a piece or a thousand blocks (GNU, PAX 1.0)', () => {
  const count = 50_000;
  const parts = Array.from({ length: count }, (_, i) => ({ at: 2 * i, length: 1 }));
  const map = `${count}\n${parts.map(({ at, length }) => `${at}\n${length}\n`).join('')}`;
  const size = padded(map.length) + count;
  const said = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': String(2 * count) };
  const tar = Buffer.concat([
    extended('x', records({ ...said, 'GNU.sparse.name': 'sparse' })),
    tarOf({ path: 'stored', size }).subarray(0, 512),
    Buffer.from(map.padEnd(padded(map.length), '\0')),
    Buffer.alloc(padded(count), 'x'),
    tarOf({ path: 'next' }),
  ]);
  const pieces = Array.from({ length: Math.ceil(tar.length / 1000) }, (_, i) =>
    tar.subarray(1000 * i, 1000 * i + 1000),
  );
  for (const found of [read(tar), read(...pieces)]) {
    assert.deepEqual(
      found.map(({ path }) => path),
      ['sparse', 'next'],
    );
    assert.equal(found[0]?.size, 2 * count);
    assert.deepEqual(found[0]?.parts, parts);
  }
});
