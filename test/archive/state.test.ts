import assert from 'node:assert/strict';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromLatin1 } from '../../runtime/archive/path.ts';
import { changesSince } from '../../runtime/archive/tree/changes.ts';
import type { TreeNode } from '../../runtime/archive/tree/node.ts';
import { Snapshot } from '../../runtime/archive/tree/snapshot.ts';
import { loadState, type State, StateDraft } from '../../runtime/archive/tree/state.ts';
import { Tree } from '../../runtime/archive/tree/tree.ts';
import { saveState, scratch } from './support.ts';

const node: TreeNode = {
  path: fromLatin1('a\nb\xff/\xfe'),
  type: 'symlink',
  mode: 0o7777,
  uid: 2 ** 31,
  gid: 4_294_967_294,
  size: 2 ** 45,
  mtimeMs: -1.000244140625,
  ctimeMs: 1_790_000_000_123.25,
  ino: 2 ** 52 + 1,
};

test('a state file gives back what was saved: names of any bytes, large and broken numbers', async () => {
  const file = join(await scratch(), 'state');
  const nodes = [node, { ...node, path: fromLatin1('z'), type: 'folder' as const }];
  await saveState(file, Snapshot.of(nodes), { given: 'ä\n' });
  const state = loadState(file);
  assert.deepEqual(state?.about, { given: 'ä\n' });
  assert.deepEqual([state?.snapshot.node(0), state?.snapshot.node(1)], nodes);
  await saveState(file, Snapshot.of([]), {});
  assert.equal(loadState(file)?.snapshot.size, 0);
});

test('no state, and that of another version, is none; one that was cut off is an error', async () => {
  const file = join(await scratch(), 'state');
  assert.equal(loadState(file), undefined);
  await writeFile(file, JSON.stringify({ version: 1, about: {}, path: ['a'] }));
  assert.equal(loadState(file), undefined);
  await saveState(file, Snapshot.of([node, node]), {});
  const { length } = await readFile(file);
  // In what it is about, in the last path, in the numbers, and in the first line.
  for (const size of [length - 1, length - node.path.length - 1, length - 100, 10]) {
    await truncate(file, size);
    assert.throws(() => loadState(file), /state file .* is damaged/);
  }
});

test('a state file with a damaged byte is an error, or none; in its tables it is a change, and no more', async () => {
  const file = join(await scratch(), 'state');
  const names = ['a', 'b', 'b/c', 'd'];
  const now = Snapshot.of(names.map((name) => ({ ...node, path: fromLatin1(name), type: 'folder' as const })));
  const tree = new Tree('/', now);
  await saveState(file, now, { images: ['one', { digest: 'sha256:0' }] });
  const good = await readFile(file);
  const tables = { from: good.indexOf('\n') + 1, to: good.indexOf('{"images"') };
  assert.ok(tables.to > tables.from);
  for (let at = 0; at < good.length; at++) {
    for (const bit of [1, 2, 8, 64]) {
      const bytes = Buffer.from(good);
      bytes[at] = (bytes[at] ?? 0) ^ bit;
      await writeFile(file, bytes);
      let state: State | undefined;
      try {
        state = loadState(file);
      } catch (error) {
        assert.match(String(error), /SubpipeError: the state file .* is damaged$/);
        continue;
      }
      if (state === undefined) continue;
      const isSpace = good[at] === 0x20 && at < tables.from;
      assert.ok(isSpace || (at >= tables.from && at < tables.to), `byte ${at} is not looked at`);
      const isBetween = at >= tables.to - names.join().length && good[at] === 0;
      assert.equal(changesSince(state.snapshot, tree).length > 0, !isSpace && !isBetween, `byte ${at}`);
    }
  }
});

test('a draft is seen only when it is kept, and nothing is left of one that is not', async () => {
  const folder = await scratch();
  const file = join(folder, 'made', 'state');
  {
    await using draft = new StateDraft(file, Snapshot.of([node]));
    await draft.keep({ first: true });
    await using _ = new StateDraft(file, Snapshot.of([node, node]));
  }
  assert.deepEqual(loadState(file)?.about, { first: true });
  assert.deepEqual(await readdir(join(folder, 'made')), ['state']);
  await using nowhere = new StateDraft(join(file, 'state'), Snapshot.of([node]));
  await assert.rejects(nowhere.keep({}), /cannot write the state file .*made\/state\/state$/);
});

test('a tree is that of the state with the same paths and numbers, and with no others', async () => {
  const file = join(await scratch(), 'state');
  const of = (...names: string[]) => Snapshot.of(names.map((name) => ({ ...node, path: fromLatin1(name) })));
  for (const names of [[], ['ab'], ['ab', 'c'], ['a', 'a/b', 'a/bc']]) {
    await saveState(file, of(...names), {});
    for (const others of [
      [],
      ['a'],
      ['ab'],
      ['abc'],
      ['ab', 'c'],
      ['ab', 'cd'],
      ['a', 'a/b', 'a/bc'],
      ['a', 'a/bc', 'a/b'],
    ]) {
      const same = names.join() === others.join();
      assert.equal(loadState(file)?.snapshot.isEqual(of(...others)), same, `${names} and ${others}`);
      assert.equal(of(...names).isEqual(of(...others)), same, `${names} and ${others}, not read`);
    }
    const newer = Snapshot.of(
      of(...names)
        .nodes()
        .map((one) => ({ ...one, ctimeMs: one.ctimeMs + 1 })),
    );
    assert.equal(loadState(file)?.snapshot.isEqual(newer), names.length === 0);
  }
});
