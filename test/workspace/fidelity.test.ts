import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import process from 'node:process';
import { test } from 'node:test';
import { loadLibc } from '../../runtime/archive/libc.ts';
import { look } from '../archive/support.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { good, makeMachine, result } from './support.ts';

const isRoot = process.getuid?.() === 0;

/** What the file system has of an attribute. */
function attribute(path: string, name: string): Buffer | undefined {
  const fd = fs.openSync(path, 'r');
  try {
    return loadLibc()?.get(fd, name);
  } finally {
    fs.closeSync(fd);
  }
}

test('what only root can make, and what anybody can, comes through a push and a pull as it was', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const work = machine.workspace('work', { tool: 'x', 'bin/set-id': 'x', 'tmp/file': 'x' });
  if (isRoot) {
    fs.chownSync(`${work}/bin/set-id`, 3_000_000, 4_000_000_000);
    fs.chownSync(`${work}/tmp`, 65_532, 2 ** 21);
  }
  fs.chmodSync(`${work}/bin/set-id`, 0o6755);
  fs.chmodSync(`${work}/tmp`, 0o1777);
  fs.symlinkSync('/absolute/and/dangling', `${work}/link`);
  fs.linkSync(`${work}/tool`, `${work}/tmp/other-name`);
  // cap_net_bind_service+ep: revision 2 with the effective bit, then two pairs of masks (capabilities(7)).
  const value = Buffer.alloc(20);
  value.writeUInt32LE(0x02000001, 0);
  value.writeUInt32LE(1 << 10, 4);
  const fd = fs.openSync(`${work}/tool`, 'r+');
  for (const name of ['user.subpipe', ...(isRoot ? ['security.capability'] : [])]) loadLibc()?.set(fd, name, value);
  loadLibc()?.setFileTime(fd, -5, 123_456_789);
  fs.closeSync(fd);
  const owner = isRoot ? ['--owner=keep'] : [];
  const pushed = await good(machine.push('work', `--target=${registry.host}/app`, ...owner));
  await good(machine.pull('copy', ...owner, '--', result(pushed, 'image')));
  const copy = machine.workspace('copy');
  assert.deepEqual(look(copy), look(work));
  for (const name of ['user.subpipe', 'security.capability']) {
    assert.deepEqual(attribute(`${copy}/tool`, name), attribute(`${work}/tool`, name), name);
  }
});
