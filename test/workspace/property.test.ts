import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { mutate } from '../archive/generate.ts';
import { look } from '../archive/support.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { numbers } from '../support/random.ts';
import { good, makeMachine, result } from './support.ts';

/** As root, owners are kept too, or else a set-id bit of somebody else's file would be lost. */
const asIs = process.getuid?.() === 0 ? ['--owner=keep'] : [];

test('generated trees: what is pushed and pulled, changed and pushed again is the same tree', {
  timeout: 300_000,
}, async () => {
  await using registry = await FakeRegistry.start();
  const seeds = Number(process.env.SUBPIPE_TEST_SEEDS ?? 3);
  for (let seed = 1; seed <= seeds; seed++) {
    await using machine = await makeMachine();
    const next = numbers(seed);
    const compression = ['zstd', 'gzip', 'none'][seed % 3];
    const flags = [
      `--target=${registry.host}/tree-${seed}:x`,
      `--compression=${compression}`,
      '--max-layers=4',
      ...asIs,
    ];
    let work = machine.workspace('work-0');
    for (let round = 0; round < 4; round++) {
      mutate(work, next, 60);
      const pushed = await good(machine.push(`work-${round}`, ...flags));
      const copy = machine.workspace(`work-${round + 1}`);
      await good(machine.pull(`work-${round + 1}`, ...asIs, '--', result(pushed, 'image')));
      assert.deepEqual(look(copy), look(work), `seed ${seed}, round ${round}`);
      const same = await good(machine.push(`work-${round + 1}`, ...flags));
      assert.equal(result(same, 'image'), result(pushed, 'image'), `seed ${seed}, round ${round}: unchanged`);
      assert.ok(!existsSync(`${copy}/.subpipe-pull`));
      work = copy;
    }
  }
});
