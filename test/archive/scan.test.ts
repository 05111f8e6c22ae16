import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { type BytePath, fromLatin1, fromText, rootPath } from '../../runtime/archive/path.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import { type ScanAnswer, scanFolders, serveScanning } from '../../runtime/archive/tree/scan-thread.ts';
import type { Tree } from '../../runtime/archive/tree/tree.ts';
import { Walk } from '../../runtime/archive/tree/walk.ts';
import { scratch } from './support.ts';

const folderCount = 300;
let root: string;
let folders: BytePath[];

/** Enough to be shared, with names of a file, and things that no image keeps, in both halves. */
before(async () => {
  root = await scratch();
  folders = Array.from({ length: folderCount }, (_, i) => fromText(`f${String(i).padStart(3, '0')}`));
  folders.forEach((folder, i) => {
    fs.mkdirSync(join(root, folder, 'ünter/leer'), { recursive: true });
    for (let k = 0; k < 12; k++) fs.writeFileSync(join(root, folder, `${k}`), 'x'.repeat(i));
    fs.symlinkSync('../nowhere', join(root, folder, 'ünter/link'));
  });
  fs.linkSync(join(root, 'f001/3'), join(root, 'f000/z'));
  fs.linkSync(join(root, 'f000/z'), join(root, 'f299/a'));
  fs.linkSync(join(root, 'f298/1'), join(root, 'f297/9-again'));
  fs.linkSync(join(root, 'f297/5'), join(root, 'top'));
  execFileSync('mkfifo', [join(root, 'f002/pipe'), join(root, 'f299/pipe')]);
});

const seen = (tree: Tree) => ({
  nodes: tree.nodes,
  skipped: tree.skipped.toSorted((one, two) => (one.path < two.path ? -1 : 1)),
});

test('a folder that two threads look into is what one sees', async () => {
  // A pattern, though nothing matches: then one thread looks.
  const alone = seen(await scanTree(root, { exclude: ['matches-nothing'] }));
  assert.equal(alone.nodes.length, folderCount * 16 + 4);
  assert.deepEqual(
    alone.nodes.flatMap(({ path, linkTo }) => (linkTo === undefined ? [] : [[path, linkTo]])),
    [
      ['f001/3', 'f000/z'],
      ['f298/1', 'f297/9-again'],
      ['f299/a', 'f000/z'],
      ['top', 'f297/5'],
    ],
  );
  assert.deepEqual(
    alone.skipped.map(({ path }) => path),
    ['f002/pipe', 'f299/pipe'],
  );
  // The first begins a thread, the others have it from their beginning.
  for (let i = 0; i < 4; i++) assert.deepEqual(seen(await scanTree(root)), alone);
});

test('a thread begins with the last folder, and ends where another has begun', () => {
  const claims = new Int32Array(new SharedArrayBuffer(folderCount * 4));
  claims.fill(1, 0, folderCount - 2);
  const { port1, port2 } = new MessageChannel();
  serveScanning(port1)({ kind: 'scan', root, device: fs.statSync(root).dev, folders, claims });
  const answer: ScanAnswer | undefined = receiveMessageOnPort(port2)?.message;
  port1.close();
  assert.ok(answer?.kind === 'scanned');
  const paths = answer.paths.split('\0');
  assert.deepEqual(
    answer.stretches.map(({ from, to, linked }) => [paths[from], to - from, linked.map((place) => paths[place])]),
    [
      ['f299/0', 16, ['f299/a']],
      ['f298/0', 15, ['f298/1']],
    ],
  );
  assert.ok(claims.every((claim) => claim === 1));
});

test('a folder that is there no more is an error, whichever thread finds it', async () => {
  const { dev } = fs.statSync(root);
  const gone = fromLatin1('gone');
  for (const list of [
    [gone, ...folders],
    [...folders, gone],
  ]) {
    await assert.rejects(scanFolders(root, dev, list, 1, undefined), /ENOENT.*gone/);
  }
  assert.equal((await scanFolders(root, dev, folders, 1, undefined)).length, folderCount, 'and nothing of it stays');
});

test('what is mounted in a folder is left out, and said', () => {
  const { dev } = fs.statSync(root);
  // As if all of its folders were other filesystems.
  const { table, skipped } = new Walk(root, dev + 1).all(rootPath);
  assert.deepEqual(table.paths, [...folders, 'top']);
  assert.deepEqual(skipped[0], { path: 'f000', what: 'another volume mounted here (its content)' });
  assert.equal(skipped.length, folderCount);
});

test('looking into a folder ends when it is aborted', async () => {
  await assert.rejects(scanTree(root, { signal: AbortSignal.abort(new Error('enough')) }), /enough/);
});

test('names of a file are told by its whole inode number, also where that is larger than a double can tell', async () => {
  const folder = await scratch();
  for (const name of ['one', 'two', 'three']) {
    fs.writeFileSync(join(folder, name), name);
    fs.linkSync(join(folder, name), join(folder, `${name}-again`));
  }
  // In a process of its own: as a file system shows it that numbers files from 2^57 on, such as Lustre.
  const program = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const { lstatSync } = fs;
    fs.lstatSync = (path, options) => {
      const found = lstatSync(path, { ...options, bigint: true });
      found.ino += 2n ** 57n;
      if (options?.bigint) return found;
      return Object.assign(lstatSync(path, options), { ino: Number(found.ino) });
    };
    syncBuiltinESMExports();
    const { scanTree } = await import(${JSON.stringify(join(import.meta.dirname, '../../runtime/archive/tree/scan.ts'))});
    const { nodes } = await scanTree(process.argv[1]);
    console.log(JSON.stringify(nodes.map(({ path, ino, linkTo }) => [path, Number.isSafeInteger(ino), linkTo ?? ''])));`;
  const told = execFileSync(process.execPath, ['--input-type=module', '-e', program, folder], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(told), [
    ['one', false, ''],
    ['one-again', false, 'one'],
    ['three', false, ''],
    ['three-again', false, 'three'],
    ['two', false, ''],
    ['two-again', false, 'two'],
  ]);
});
