import assert from 'node:assert/strict';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { hugeParts, hugeSize } from './foreign-tree.ts';

/** A huge file is what `makeHuge` makes, with its holes. Only where something is or may be is read. */
export function assertHuge(path: string): void {
  const { size, blocks } = statSync(path);
  assert.equal(size, hugeSize);
  assert.ok(blocks * 512 < 10_000_000, `${blocks} blocks: its holes are none`);
  const fd = openSync(path, 'r');
  const found = Buffer.alloc(100_000);
  for (const { at, text } of hugeParts) {
    const expected = Buffer.alloc(found.length);
    expected.write(text);
    assert.equal(readSync(fd, found, 0, found.length, at), found.length);
    assert.ok(found.equals(expected), `at ${at}`);
  }
  closeSync(fd);
}
