import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { moveOverlay, planOverlay } from '../../runtime/archive/extract/overlay.ts';
import { repairFolder, replaceFolder } from '../../runtime/archive/extract/replace.ts';
import { makeFolder } from '../support/folder.ts';
import { fill } from '../workspace/support.ts';
import { killedAtRename, look } from './support.ts';

const before = { 'own/a': 'a', 'deep/er/old': 'old', 'deep/er/own': 'own', file: 'file', 'folder/x': 'x' };
const comes = { 'deep/er/old': 'new', 'deep/er/new/b': 'b', 'file/now/a/folder': 'f', folder: 'now a file', top: 't' };

test('what comes is put over what is there: folders of both are one, other things are replaced', async () => {
  await using folder = await makeFolder();
  const target = join(folder.path, 'target');
  fill(target, before);
  chmodSync(join(target, 'deep'), 0o700);
  const ino = statSync(join(target, 'deep/er')).ino;
  await replaceFolder(target, async (into) => fill(into, comes), 'over');
  const names = readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const content = names.map((entry) => {
    const full = join(entry.parentPath, entry.name);
    return [full.slice(target.length + 1), readFileSync(full, 'utf8')] as const;
  });
  assert.deepEqual(Object.fromEntries(content), { 'own/a': 'a', 'deep/er/own': 'own', ...comes });
  assert.equal(statSync(join(target, 'deep/er')).ino, ino, 'steps may have begun in it');
  assert.equal(statSync(join(target, 'deep')).mode & 0o777, 0o700);
});

test('killed at any rename, the folder is as it was after the repair', async () => {
  await using folder = await makeFolder();
  let killed = 0;
  for (let count = 0; ; count++) {
    const target = join(folder.path, String(count));
    fill(target, before);
    const there = contentOf(target);
    if (!killedAtRename(count, target, comes, 'over')) break;
    killed++;
    assert.equal(repairFolder(target), true);
    assert.deepEqual(contentOf(target), there);
    assert.equal(repairFolder(target), false);
  }
  // The journal; five paths, three of which are taken.
  assert.equal(killed, 9);
});

test('a folder that becomes a link while things are moved leads nowhere', {
  skip: process.platform !== 'linux',
}, async () => {
  await using folder = await makeFolder();
  const [from, to, aside, outside] = ['from', 'to', 'aside', 'outside'].map((name) => join(folder.path, name));
  assert.ok(from !== undefined && to !== undefined && aside !== undefined && outside !== undefined);
  fill(from, { 'folder/file': 'new' });
  fill(to, { 'folder/file': 'old' });
  fill(outside, { file: 'outside' });
  mkdirSync(aside);
  const plan = planOverlay(Buffer.from(from), Buffer.from(to), []);
  assert.deepEqual(plan, { paths: ['folder/file'], had: ['folder/file'] });
  rmSync(join(to, 'folder'), { recursive: true });
  symlinkSync(outside, join(to, 'folder'));
  assert.throws(() => moveOverlay(plan, Buffer.from(from), Buffer.from(to), Buffer.from(aside)), /ELOOP|ENOTDIR/);
  assert.equal(readFileSync(join(outside, 'file'), 'utf8'), 'outside');
});

/** Without times: of a folder something was moved in and out again. */
function contentOf(root: string): [string, unknown][] {
  return [...look(root)].map(([path, node]) => {
    const { mtime: _, ...rest } = node as { mtime?: unknown };
    return [path, rest];
  });
}
