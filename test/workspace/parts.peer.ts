import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type registries, startRegistry } from '../oci/real-registry.ts';
import { pullOneOfMany } from './parts.ts';

for (const name of ['Distribution 3', 'Distribution 2', 'crane'] as const satisfies (keyof typeof registries)[]) {
  test(`one file of a layer of 50 MB costs a few of its bytes: ${name}`, async (context) => {
    await using registry = await startRegistry(name);
    const received = await pullOneOfMany(registry.host, { size: 50_000_000 });
    context.diagnostic(`${received} bytes were sent`);
    assert.ok(received < 5_000_000, `${received} bytes`);
  });
}
