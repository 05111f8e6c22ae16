import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { SubpipeError } from '../../runtime/errors.ts';
import { withAccessHint } from '../../runtime/workspace/access.ts';
import { type Machine, makeMachine } from './support.ts';

const user = 65532;
const skip = process.getuid?.() === 0 ? false : 'only root can become another user';

/** What a step says that runs as another user, with a layout folder in place of a registry. */
function asUser(machine: Machine, step: 'push' | 'pull', folder: string): string {
  const image = `oci:${path.join(machine.path, 'images')}:v1`;
  const flags = [`--folder=${folder}`, `--state-folder=${path.join(machine.path, 'state')}`];
  const argv = [...flags, ...(step === 'push' ? [`--target=${image}`] : ['--', image])];
  const { stderr, status } = spawnSync(process.execPath, [`steps/oci-workspace-${step}/main.ts`, ...argv], {
    cwd: new URL('../..', import.meta.url),
    uid: user,
    gid: user,
    env: { PATH: process.env.PATH ?? '', NODE_NO_WARNINGS: '1' },
    encoding: 'utf8',
  });
  return `${status} ${stderr}`;
}

test('who may not read or write the files of others is told who the step runs as, and what decides that', {
  skip,
}, async () => {
  await using machine = await makeMachine();
  chmodSync(machine.path, 0o711);
  for (const name of ['images', 'state', 'mine']) {
    mkdirSync(path.join(machine.path, name));
    chownSync(path.join(machine.path, name), user, user);
  }
  const mine = machine.workspace('mine', { a: '1' });
  assert.match(asUser(machine, 'push', mine), /^0 /);
  const told = /EACCES: .*\. The step runs as user 65532: .*podTemplate\.securityContext says so \(runAsUser; fsGroup/;
  const others = machine.workspace('others');
  assert.match(asUser(machine, 'pull', others), told);
  writeFileSync(path.join(others, 'private'), '1', { mode: 0o600 });
  const refused = asUser(machine, 'push', others);
  assert.match(refused, /^1 .*cannot read private: EACCES/);
  assert.match(refused, told);
  chmodSync(others, 0o700);
  assert.match(asUser(machine, 'push', others), told);
});

test('a folder that nobody may write to and a root without its rights are told, and other errors stay as they are', () => {
  const hint = (error: unknown, who: number): unknown => {
    const told = withAccessHint(error, '/workspace/source', who);
    return told instanceof SubpipeError ? told.hint : undefined;
  };
  const readOnly = new Error("EROFS: read-only file system, mkdir '/workspace/source/.subpipe-pull'");
  assert.match(String(hint(readOnly, 0)), /needs a workspace that can be written: no readOnly, ConfigMap or Secret/);
  const cause = new Error("EACCES: permission denied, scandir '/workspace/source/a'");
  const denied = new SubpipeError('CONFLICT', 'cannot read all', { cause });
  assert.match(String(hint(denied, 0)), /can add CHOWN, DAC_OVERRIDE and FOWNER/);
  const told = withAccessHint(denied, '/workspace/source', 0);
  assert.ok(told instanceof SubpipeError);
  assert.deepEqual([told.code, told.message, told.cause], ['CONFLICT', 'cannot read all', cause]);
  for (const other of [
    new Error("EACCES: permission denied, open '/tekton/creds/config.json'"),
    new Error("ENOSPC: no space left on device, mkdir '/workspace/source/a'"),
    new SubpipeError('FAILED', 'has a folder of another user', { cause, hint: 'Empty it.' }),
    'no error',
  ]) {
    assert.equal(withAccessHint(other, '/workspace/source'), other);
  }
});
