import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import { requirePrograms } from '../peer/requirements.ts';
import { fill, good, makeMachine } from './support.ts';

const run = promisify(execFile);

before(() => requirePrograms(['umoci', 'skopeo', 'gzip', 'tar']));

test('umoci unpacks, and skopeo copies and inspects, what several pushes and a merge have made', async () => {
  await using machine = await makeMachine({ SUBPIPE_PIPELINE_TASK: 'task' });
  const layout = `oci:${machine.path}/images`;
  // Large enough for a map at the end of the layer.
  const large = randomBytes(6_000_000).toString('hex');
  machine.workspace('base', { a: 'a0', 'd/x': 'x', 'd/y': 'y', large });
  await good(machine.push('base', `--target=${layout}:build`, '--compression=gzip'));
  for (const name of ['one', 'two']) {
    await good(machine.pull(name, '--', `${layout}:build`));
    fill(machine.workspace(name), { [name]: name });
  }
  rmSync(`${machine.workspace('two')}/d/x`);
  for (const name of ['one', 'two']) await good(machine.push(name, `--target=${layout}:build`, '--compression=gzip'));
  await good(machine.pull('both', '--', `${layout}:build`));
  await good(machine.push('both', `--target=${layout}:merged`, '--compression=gzip', '--expires-after=1d'));
  await run('umoci', ['unpack', '--rootless', '--image', `${machine.path}/images:merged`, `${machine.path}/bundle`]);
  const root = `${machine.path}/bundle/rootfs`;
  assert.deepEqual(readdirSync(root, { recursive: true }).sort(), ['a', 'd', 'd/y', 'large', 'one', 'two']);
  assert.equal(readFileSync(`${root}/a`, 'utf8'), 'a0');
  assert.equal(readFileSync(`${root}/large`, 'utf8'), large);
  await run('skopeo', ['copy', '--insecure-policy', `${layout}:merged`, `dir:${machine.path}/copy`]);
  const { stdout } = await run('skopeo', ['inspect', '--config', `${layout}:merged`]);
  const config = JSON.parse(stdout) as { history: { created_by?: string; empty_layer?: boolean }[]; config: unknown };
  assert.deepEqual(config.config, { Labels: { 'quay.expires-after': '1d' } });
  assert.deepEqual(
    config.history.map(({ created_by, empty_layer = false }) => [created_by, empty_layer]),
    [...Array(3).fill(['task', false]), ['task', true]],
  );
});
