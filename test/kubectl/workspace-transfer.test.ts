import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { FakeRegistry } from '../fakes/registry.ts';
import { fill } from '../workspace/support.ts';
import { output, taskMachine, workspace } from './workspace.ts';

describe('subpipe workspace push and pull', () => {
  it('take a folder to another machine and back, and push only what changed', async () => {
    await using registry = await FakeRegistry.start();
    await using here = await taskMachine('build');
    await using there = await taskMachine('build');
    const target = `${registry.host}/team/app:try`;
    const at = here.workspace('a', { one: '1', 'node_modules/x': 'x' });
    const image = (await output(here, 'push', at, target, '--exclude', 'node_modules/', '--tag', 'also')).trim();
    assert.match(image, /^127\.0\.0\.1:\d+\/team\/app@sha256:[0-9a-f]{64}$/);
    const to = path.join(there.path, 'b');
    assert.equal((await output(there, 'pull', target, to)).trim(), image);
    assert.deepEqual(readdirSync(to), ['one']);
    fill(to, { two: '2' });
    assert.equal(await output(there, 'push', to, target, '--dry-run'), 'W two\n');
    const next = (await output(there, 'push', to, target)).trim();
    assert.match(await output(here, 'diff', `${registry.host}/team/app:also`, next), /^A +1 bytes +two\n$/);
  });

  it('replace no folder that has files of its own, unless they are told to', async () => {
    await using machine = await taskMachine('build');
    const target = `oci:${machine.path}/images:main`;
    const at = machine.workspace('a', { one: '1' });
    await output(machine, 'push', at, target);
    const own = machine.workspace('own', { mine: 'm' });
    const refused = await workspace(machine, 'pull', target, own);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /has files that were not pulled: a pull would remove them/);
    assert.deepEqual(readdirSync(own), ['mine']);
    await output(machine, 'pull', target, own, '--force');
    assert.deepEqual(readdirSync(own), ['one']);
    fill(own, { one: 'changed' });
    const changed = await workspace(machine, 'pull', target, own);
    assert.match(changed.stderr, /has changes since it was pulled or pushed \(one\): a pull would remove them/);
    assert.equal(readFileSync(path.join(own, 'one'), 'utf8'), 'changed');
    await output(machine, 'push', own, target);
    await output(machine, 'push', at, target);
    await output(machine, 'pull', target, own);
    assert.ok(existsSync(path.join(own, 'one')), 'what was pushed can be replaced');
  });
});
