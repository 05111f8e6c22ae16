import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeRegistry } from '../fakes/registry.ts';
import { runTask } from './example.ts';
import { makeMachine, result } from './support.ts';

test('the steps of examples/oci-cache, as its README says: miss, hit, and partial with another lock', async () => {
  await using registry = await FakeRegistry.start();
  const cache = `${registry.host}/team/cache`;
  const runs = [];
  for (const lock of ['left-pad right-pad', 'left-pad right-pad', 'left-pad right-pad center-pad']) {
    // Each run is a pod of its own.
    await using machine = await makeMachine();
    const { steps, log } = await runTask(machine, 'examples/oci-cache/task.yaml', { lock, cache, insecure: '' });
    const [restore, save] = [steps.get('restore'), steps.get('save')];
    assert.ok(restore !== undefined && save !== undefined);
    runs.push({ cache: result(restore, 'cache'), saved: result(save, 'cache'), fetched: log.match(/fetching \S+/g) });
    assert.match(log, new RegExp(`${lock.replaceAll(' ', '\n')}\n$`), 'the build had all of it');
  }
  assert.deepEqual(runs, [
    { cache: 'miss', saved: 'saved', fetched: ['fetching left-pad', 'fetching right-pad'] },
    { cache: 'hit', saved: 'there', fetched: null },
    { cache: 'partial', saved: 'saved', fetched: ['fetching center-pad'] },
  ]);
});
