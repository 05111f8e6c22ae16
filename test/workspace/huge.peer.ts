import { test } from 'node:test';
import { makeHuge } from '../archive/foreign-tree.ts';
import { assertHuge } from '../archive/huge.ts';
import { good, makeMachine } from './support.ts';

// No peer has a part in it, but half a minute of two processors has: `npm test` is to be quick.
test('a file of more than 8 GiB is pushed and pulled as it is, with its holes', async () => {
  await using machine = await makeMachine();
  const images = `oci:${machine.path}/images:huge`;
  makeHuge(`${machine.workspace('source', { small: 's' })}/huge`);
  await good(machine.push('source', `--target=${images}`));
  await good(machine.pull('work', '--', images));
  assertHuge(`${machine.workspace('work')}/huge`);
});
