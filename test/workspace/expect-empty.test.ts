import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { replaceFolder } from '../../runtime/archive/extract/replace.ts';
import { scratch } from '../oci/helpers.ts';
import { good, makeMachine } from './support.ts';

test('with --expect-empty, files that are there are not removed: an error names them', async () => {
  await using machine = await makeMachine();
  const image = `oci:${machine.path}/images:1`;
  machine.workspace('source', { a: 'a', 'src/b': 'b' });
  await good(machine.push('source', `--target=${image}`));
  const work = machine.workspace('work', { 'certs/ca.pem': 'of a sidecar', log: '1' });
  const refused = await machine.pull('work', '--expect-empty', '--', image);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /work has files already, which would be removed: certs, log\. If a sidecar has written/);
  assert.deepEqual(readdirSync(work).sort(), ['certs', 'log']);
  assert.equal(readFileSync(path.join(work, 'certs/ca.pem'), 'utf8'), 'of a sidecar');
  await good(machine.pull('work', '--', image));
  assert.deepEqual(readdirSync(work).sort(), ['a', 'src'], 'without it they are');
});

test('with --expect-empty, a folder that is empty, has folders alone, or has the images already is filled', async () => {
  await using machine = await makeMachine();
  const image = `oci:${machine.path}/images:1`;
  machine.workspace('source', { a: 'a', 'src/b': 'b' });
  await good(machine.push('source', `--target=${image}`));
  mkdirSync(path.join(machine.workspace('folders'), 'src/deep'), { recursive: true });
  for (const name of ['none', 'folders', 'folders']) {
    await good(machine.pull(name, '--expect-empty', '--', image));
    assert.deepEqual(readdirSync(machine.workspace(name)).sort(), ['a', 'src']);
  }
});

test('what is written while the new content comes is not removed either', async () => {
  const target = await scratch();
  await assert.rejects(
    replaceFolder(
      target,
      async (into) => {
        writeFileSync(path.join(into, 'new'), 'new');
        writeFileSync(path.join(target, 'late'), 'late');
      },
      'empty',
    ),
    { code: 'FAILED', message: /would be removed: late/ },
  );
  assert.deepEqual(readdirSync(target), ['late']);
});
