import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { look } from '../archive/support.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { fill, good, makeMachine, result } from './support.ts';

test('what one step pushes, another on another machine pulls; what it changes is one more layer', async () => {
  await using registry = await FakeRegistry.start();
  await using first = await makeMachine();
  await using second = await makeMachine();
  const source = first.workspace('source');
  fill(source, { 'README.md': 'hello', 'src/main.ts': 'one', 'src/old.ts': 'old', 'docs/a/b.md': 'b' });
  const target = `--target=${registry.host}/team/app:build`;
  const clone = await good(first.push('source', target));
  assert.match(result(clone, 'image'), new RegExp(`^${registry.host}/team/app@sha256:[0-9a-f]{64}$`));
  assert.equal(result(clone, 'layers'), '1');
  assert.equal(result(clone, 'IMAGE_URL'), `${registry.host}/team/app:build`);
  assert.equal(result(clone, 'image'), `${registry.host}/team/app@${result(clone, 'IMAGE_DIGEST')}`);

  const pulled = await good(second.pull('work', '--', result(clone, 'image')));
  const work = second.workspace('work');
  assert.deepEqual(look(work), look(source));
  assert.equal(result(pulled, 'image'), result(clone, 'image'));

  const same = await good(second.push('work', target));
  assert.equal(result(same, 'image'), result(clone, 'image'), 'nothing changed');
  assert.equal(result(same, 'changed-files'), '0');

  fill(work, { 'src/main.ts': 'two', 'dist/app.js': 'built' });
  rmSync(`${work}/src/old.ts`);
  rmSync(`${work}/docs`, { recursive: true });
  const built = await good(second.push('work', target));
  assert.equal(result(built, 'layers'), '2');
  await good(first.pull('third', '--', result(built, 'image')));
  assert.deepEqual(look(first.workspace('third')), look(work));
});
