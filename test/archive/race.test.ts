import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { extractLayers } from '../../runtime/archive/extract/extract.ts';
import { repairFolder, replaceFolder } from '../../runtime/archive/extract/replace.ts';
import { layerOf, look, scratch, tarOf } from './support.ts';

/** More than is read at once, so that a part of it is in the folder when the rest comes. */
const much = 'x'.repeat(5_000_000);
const before = tarOf({ path: 'd/', type: 'folder', mode: 0o777, mtime: 7 }, { path: 'd/e/much', content: much });

/** What comes after somebody has put a link in a folder's place. */
const after = {
  'a file': tarOf({ path: 'd/file', content: 'x' }),
  'a file of many parts': tarOf({ path: 'd/file', content: much }),
  'a file in a folder below': tarOf({ path: 'd/e/file', content: 'x' }),
  'a folder': tarOf({ path: 'd/folder/', type: 'folder', mode: 0o700 }),
  'a symlink': tarOf({ path: 'd/link', type: 'symlink', target: 'x' }),
  'a hardlink': tarOf({ path: 'd/link', type: 'hardlink', target: 'd/e/much' }),
  'nothing more in it': tarOf({ path: 'other', content: 'x' }),
};

/** What becomes a link, below the folder that is pulled into. */
const places = ['.subpipe-pull/new/d', '.subpipe-pull/new', '.subpipe-pull'];

for (const place of places) {
  for (const [what, rest] of Object.entries(after)) {
    for (const asideFrom of [0, Number.POSITIVE_INFINITY]) {
      const how = asideFrom === 0 ? 'with another thread' : 'with one thread';
      test(`somebody who makes ${place} a link leads nowhere: ${what}, ${how}`, {
        skip: process.platform !== 'linux',
      }, async () => {
        const folder = await scratch();
        const [target, outside, taken] = [join(folder, 'target'), join(folder, 'outside'), join(folder, 'taken')];
        mkdirSync(target);
        writeFileSync(join(target, 'mine'), '');
        for (const path of ['e', 'd/e', 'new/d/e', 'old']) mkdirSync(join(outside, path), { recursive: true });
        const unchanged = look(folder);
        const racing = async function* () {
          // Without the zeros that end a tar.
          yield before.subarray(0, -1024);
          while (!existsSync(join(target, '.subpipe-pull/new/d/e/much'))) await sleep(5);
          renameSync(join(target, place), taken);
          symlinkSync(outside, join(target, place));
          yield rest;
        };
        const layer = { ...layerOf(before), open: async () => Readable.from(racing()) };
        await assert.rejects(replaceFolder(target, (inner) => extractLayers([{ layer }], inner, { asideFrom })));
        const changed = look(folder);
        for (const path of [...changed.keys()]) if (path.startsWith('/taken')) changed.delete(path);
        for (const seen of [changed, unchanged]) seen.delete('/target'); // its mtime
        assert.deepEqual(changed, unchanged);
      });
    }
  }
}

test('a link in the place of an empty folder that stays leads nowhere', {
  skip: process.platform !== 'linux',
}, async () => {
  const folder = await scratch();
  const [target, outside] = [join(folder, 'target'), join(folder, 'outside')];
  for (const path of ['target/a/b', 'outside/b']) mkdirSync(join(folder, path), { recursive: true });
  const unchanged = look(outside);
  const racing = async function* () {
    yield tarOf({ path: 'a/b/file', content: 'x' });
    renameSync(join(target, 'a'), join(folder, 'taken'));
    symlinkSync(outside, join(target, 'a'));
  };
  const layer = { ...layerOf(before), open: async () => Readable.from(racing()) };
  await replaceFolder(target, (inner) => extractLayers([{ layer }], inner));
  assert.deepEqual(look(outside), unchanged);
  assert.ok(lstatSync(join(target, 'a')).isDirectory());
  assert.equal(readFileSync(join(target, 'a/b/file'), 'utf8'), 'x');
});

test('a work folder that somebody has made of links moves nothing from elsewhere, and nothing to there', async () => {
  const folder = await scratch();
  const [target, outside] = [join(folder, 'target'), join(folder, 'outside')];
  for (const path of ['target/.subpipe-pull', 'outside']) mkdirSync(join(folder, path), { recursive: true });
  for (const path of ['target/mine', 'outside/secret']) writeFileSync(join(folder, path), '');
  for (const name of ['new', 'old']) symlinkSync(outside, join(target, '.subpipe-pull', name));
  writeFileSync(join(target, '.subpipe-pull/journal'), JSON.stringify({ old: ['secret'], new: ['mine'] }));
  repairFolder(target);
  assert.deepEqual(readdirSync(target), ['mine']);
  assert.deepEqual(readdirSync(outside), ['secret']);
});
