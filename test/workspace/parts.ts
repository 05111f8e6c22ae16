import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { breakingProxy } from '../oci/breaking-proxy.ts';
import { good, type Machine, makeMachine, result } from './support.ts';

/** A workspace of 100 files that no compression makes smaller. */
export function fillLarge(machine: Machine, size: number): string {
  const folder = machine.workspace('large');
  for (let i = 0; i < 10; i++) {
    mkdirSync(`${folder}/folder-${i}`);
    for (let j = 0; j < 10; j++) writeFileSync(`${folder}/folder-${i}/file-${j}`, randomBytes(size / 100));
  }
  return folder;
}

/** One file of a large layer is pulled from a registry: how many bytes it has sent. */
export async function pullOneOfMany(host: string, options: { kind?: string; size: number }): Promise<number> {
  const { kind = 'zstd', size } = options;
  await using proxy = await breakingProxy(host, { after: 0, times: 0 });
  await using machine = await makeMachine();
  const large = fillLarge(machine, size);
  const pushed = await good(machine.push('large', `--target=${proxy.host}/app`, `--compression=${kind}`));
  assert.equal(result(pushed, 'layers'), '1');
  const before = proxy.received;
  await good(machine.pull('part', '--paths=folder-5/file-5', '--', result(pushed, 'image')));
  const file = (folder: string) => readFileSync(`${folder}/folder-5/file-5`);
  assert.ok(file(machine.workspace('part')).equals(file(large)));
  return proxy.received - before;
}
