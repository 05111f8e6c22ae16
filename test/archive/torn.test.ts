import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeTree } from '../../runtime/archive/pack/write-tree.ts';
import { allOf } from '../../runtime/archive/tree/changes.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import { scratch } from './support.ts';

/** Packs a folder with one thing in it. `before` comes after the scan, `during` when some of it is packed. */
async function pack(
  make: (path: string) => void,
  { before = () => {}, during = () => {} }: { before?: (path: string) => void; during?: (path: string) => void },
): Promise<void> {
  const path = join(await scratch(), 'a');
  make(path);
  // File systems know times to some milliseconds only: what happens at once is not seen.
  await sleep(20);
  const tree = await scanTree(join(path, '..'));
  before(path);
  let written = 0;
  const sink = new Writable({
    write(_bytes, _encoding, done) {
      if (written++ === 0) during(path);
      done();
    },
  });
  await writeTree(tree, allOf(tree), sink, { compression: { kind: 'none' } });
}

const small = (path: string) => fs.writeFileSync(path, 'before');
const large = (path: string) => fs.writeFileSync(path, Buffer.alloc(40_000_000, 'before'));
const replace = (path: string) => {
  fs.writeFileSync(`${path}.new`, 'before');
  fs.renameSync(`${path}.new`, path);
};
const end = (path: string) => {
  const fd = fs.openSync(path, 'r+');
  fs.writeSync(fd, 'after', 39_000_000);
  fs.closeSync(fd);
};

const torn: Record<string, Parameters<typeof pack>> = {
  'a small file that is written to': [small, { before: (path) => fs.writeFileSync(path, 'after!') }],
  'a small file that grows': [small, { before: (path) => fs.appendFileSync(path, 'more') }],
  'a small file that becomes shorter': [small, { before: (path) => fs.truncateSync(path, 3) }],
  'a file that is replaced by one that looks the same': [small, { before: replace }],
  'a file that is removed': [small, { before: (path) => fs.rmSync(path) }],
  'a file that becomes a link': [
    small,
    {
      before(path) {
        fs.rmSync(path);
        fs.symlinkSync('/etc/hostname', path);
      },
    },
  ],
  'a file that becomes a pipe, which nobody writes to': [
    small,
    {
      before(path) {
        fs.rmSync(path);
        execFileSync('mkfifo', [path]);
      },
    },
  ],
  'a folder that becomes a file': [
    (path) => fs.mkdirSync(path),
    {
      before(path) {
        fs.rmdirSync(path);
        small(path);
      },
    },
  ],
  'a link that points elsewhere now': [
    (path) => fs.symlinkSync('one', path),
    {
      before(path) {
        fs.symlinkSync('two', `${path}.new`);
        fs.renameSync(`${path}.new`, path);
      },
    },
  ],
  'a large file whose end is written to while its beginning is packed': [large, { during: end }],
  'a large file that is cut off while it is packed': [large, { during: (path) => fs.truncateSync(path, 39_000_000) }],
  'a large file that grows while it is packed': [large, { during: (path) => fs.appendFileSync(path, 'more') }],
};

for (const [what, how] of Object.entries(torn)) {
  test(`${what} is an error, not a torn copy`, async () => {
    await assert.rejects(pack(...how), {
      code: 'FAILED',
      message: 'a changed while it was read',
      hint: /Stop what writes into the folder/,
    });
  });
}

test('what stays as it is, is packed', async () => {
  for (const make of [small, large]) await pack(make, {});
});

test('sockets, pipes and devices are left out and told', async () => {
  const root = await scratch();
  execFileSync('mkfifo', [join(root, 'pipe')]);
  const server = createServer().listen(join(root, 'socket'));
  await once(server, 'listening');
  const expected = [
    { path: 'pipe', what: 'a pipe' },
    { path: 'socket', what: 'a socket' },
  ];
  // Also root may be forbidden to make one.
  if (process.getuid?.() === 0 && makesDevice(join(root, 'device')))
    expected.unshift({ path: 'device', what: 'a device' });
  const tree = await scanTree(root);
  server.close();
  assert.deepEqual(tree.skipped, expected);
  assert.deepEqual(tree.nodes, []);
});

function makesDevice(path: string): boolean {
  try {
    execFileSync('mknod', [path, 'c', '1', '3'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
