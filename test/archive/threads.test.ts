import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { packLayers } from '../../runtime/archive/pack/pack-layers.ts';
import { type WriteTreeOptions, writeTree } from '../../runtime/archive/pack/write-tree.ts';
import { Thread } from '../../runtime/archive/thread.ts';
import { allOf, type Changes } from '../../runtime/archive/tree/changes.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import { splitChanges } from '../../runtime/archive/tree/split.ts';
import type { Tree } from '../../runtime/archive/tree/tree.ts';
import { Meter } from '../../runtime/oci/digest.ts';
import { numbers } from '../support/random.ts';
import { mutate } from './generate.ts';
import { scratch } from './support.ts';

const nowhere = () => new Writable({ write: (_bytes, _encoding, done) => done() });

async function treeOf(): Promise<{ tree: Tree; parts: Changes[] }> {
  const root = join(await scratch(), 'tree');
  fs.mkdirSync(root);
  mutate(root, numbers(5), 200);
  fs.writeFileSync(join(root, 'large'), Buffer.alloc(9_000_000, 'large'));
  const tree = await scanTree(root);
  return { tree, parts: splitChanges(allOf(tree), { partSize: 1_000_000, most: 4 }) };
}

function packed(tree: Tree, parts: Changes[], options: WriteTreeOptions = {}) {
  const { layers } = packLayers(tree, parts, options, async (mediaType, open) => {
    const meter = new Meter();
    await pipeline(open(), meter, nowhere());
    return { mediaType, digest: meter.digest, size: meter.size };
  });
  return layers;
}

test('layers packed in threads are those packed without', async () => {
  const { tree, parts } = await treeOf();
  assert.ok(parts.length > 1);
  const alone = [];
  for (const part of parts) alone.push(await writeTree(tree, part, nowhere()));
  const told = { bytes: 0, changes: 0 };
  const count = (bytes: number, changes: number): void => {
    told.bytes += bytes;
    told.changes += changes;
  };
  assert.deepEqual(await packed(tree, parts, { progress: count }), alone);
  const bytes = alone.reduce((sum, { tarSize }) => sum + tarSize, 0);
  assert.deepEqual(told, { bytes, changes: parts.reduce((sum, part) => sum + part.length, 0) });
});

test('a layer is packed again from its beginning where sending it has failed', async () => {
  const { tree, parts } = await treeOf();
  const alone = await packed(tree, parts);
  let tries = 0;
  const again = packLayers(tree, parts, {}, async (mediaType, open) => {
    if (tries++ === 0) for await (const _ of open()) break;
    const meter = new Meter();
    await pipeline(open(), meter, nowhere());
    return { mediaType, digest: meter.digest, size: meter.size };
  });
  assert.deepEqual(await again.layers, alone);
});

test('one layer is packed in a thread where there is one, which is there for the next', async () => {
  const { tree } = await treeOf();
  const all = allOf(tree);
  const alone = await writeTree(tree, all, nowhere());
  for (let i = 0; i < 2; i++) {
    Thread.prepare(1);
    assert.deepEqual(await packed(tree, [all]), [alone]);
    assert.ok(Thread.isPrepared);
  }
});

test('what goes wrong in a thread is told as it is without, and ends the others', async () => {
  const { tree, parts } = await treeOf();
  fs.writeFileSync(join(tree.root, 'large'), 'changed');
  await assert.rejects(packed(tree, parts), {
    name: 'SubpipeError',
    code: 'FAILED',
    message: 'large changed while it was read',
    hint: /push again/,
  });
});

test('packing in threads ends when it is aborted', async () => {
  const { tree, parts } = await treeOf();
  const stop = new AbortController();
  const reason = new Error('no more');
  const packing = packLayers(tree, parts, { signal: stop.signal }, async (_mediaType, open) => {
    const stream = open();
    stop.abort(reason);
    for await (const _ of stream);
    throw new Error('it has not ended');
  });
  await assert.rejects(packing.layers, (error) => error === reason);
});

const question = { kind: 'scan', root: '/', device: 0, folders: [], claims: new Int32Array(new SharedArrayBuffer(0)) };

test('who has waited for a thread does not listen to the signal any more', async () => {
  const { signal } = new AbortController();
  await using thread = Thread.start<typeof question, { kind: string }>();
  for (let i = 0; i < 3; i++) {
    thread?.send(question);
    assert.equal((await thread?.next(signal))?.kind, 'scanned');
  }
  assert.deepEqual(getEventListeners(signal, 'abort'), []);
});

test('a thread that was begun before is the next that is started, unless it has ended meanwhile', async () => {
  Thread.prepare(2);
  assert.ok(Thread.isPrepared);
  for (let i = 0; i < 3; i++) {
    await using thread = Thread.start<typeof question, { kind: string }>();
    thread?.send(question);
    assert.equal((await thread?.next())?.kind, 'scanned');
  }
  assert.equal(Thread.isPrepared, false);
  Thread.prepare(1);
  const thread = Thread.start<object, object>();
  thread?.rest();
  await thread?.[Symbol.asyncDispose]();
  assert.equal(Thread.isPrepared, false, 'one that has ended is none');
});

test('where sending one layer fails, the others are told to stop, and have when the error is told', async () => {
  const { tree, parts } = await treeOf();
  const stopped: unknown[] = [];
  const waiting = Promise.withResolvers<void>();
  let asked = 0;
  const packing = packLayers(tree, parts, {}, async (_mediaType, _open, signal) => {
    if (asked++ === 0) {
      // As a registry does that never answers.
      const { promise, reject } = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => {
        stopped.push(signal.reason);
        reject(signal.reason);
      });
      waiting.resolve();
      return promise;
    }
    await waiting.promise;
    throw new Error('refused');
  });
  await assert.rejects(packing.layers, /refused/);
  assert.match(String(stopped), /^Error: refused$/);
  await assert.rejects(packing.packed, /refused/);
});
