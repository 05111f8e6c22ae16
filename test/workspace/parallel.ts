import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { ended, fill, good, makeMachine, result } from './support.ts';

/** Twenty processes push to one tag at once; the next pull has all of it, and what is pushed then stands for all. */
export async function pushTwentyAtOnce(target: string): Promise<void> {
  await using machine = await makeMachine();
  machine.workspace('base', { shared: 's', 'deep/er': 'd' });
  await good(machine.push('base', `--target=${target}`));
  const tasks = Array.from({ length: 20 }, (_, i) => `task-${i}`);
  for (const name of tasks) {
    await good(machine.pull(name, '--', target));
    fill(machine.workspace(name), { [`own/${name}`]: name });
  }
  const pushes = tasks.map((name) => ended(machine.start('push', name, `--target=${target}`)));
  for (const push of pushes) await good(push);
  const pulled = await good(machine.pull('all', '--', target));
  assert.ok(Array.isArray(pulled.results.sources) && pulled.results.sources.length === 20);
  const all = machine.workspace('all');
  assert.deepEqual(readdirSync(`${all}/own`).sort(), [...tasks].sort());
  for (const name of tasks) assert.equal(readFileSync(`${all}/own/${name}`, 'utf8'), name);
  const merged = await good(machine.push('all', `--target=${target}`));
  assert.equal(result(merged, 'layers'), '21');
  const after = await good(machine.pull('after', '--', target));
  assert.equal(result(after, 'image'), result(merged, 'image'), 'what was merged is one again');
}
