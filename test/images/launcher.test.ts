import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import process from 'node:process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { flagIn, launcherOf } from '../../images/launcher.ts';
import { stepNames } from '../../images/project.ts';

const run = promisify(execFile);

test('a launcher has one flag, as the kernel passes no more, and Node knows it', async () => {
  const steps = await stepNames();
  assert.ok(steps.length > 3);
  const found = new Set<string>();
  for (const step of steps) {
    const launcher = await launcherOf(step);
    const flag = flagIn(launcher);
    assert.equal(launcher.split('\n')[0], `#!/usr/bin/node ${flag}`);
    assert.match(flag, /^--[a-z-]+=\d+$/, step);
    found.add(flag);
  }
  for (const flag of found) await run(process.execPath, [flag, '--eval', '']);
});

test('the steps that go through trees keep the space for new objects small', async () => {
  assert.equal(flagIn(await launcherOf('oci-workspace-push')), '--max-semi-space-size=2');
  assert.equal(flagIn(await launcherOf('oci-workspace-pull')), '--max-semi-space-size=2');
  assert.notEqual(flagIn(await launcherOf('pac-resolve')), '--max-semi-space-size=2');
});
