import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { replaceFolder } from '../../runtime/archive/extract/replace.ts';
import { scratch } from './support.ts';

const user = 1001;
const skip = process.getuid?.() === 0 ? false : 'only root can become another user';

/** A folder of somebody who is not root. */
async function usersFolder(): Promise<string> {
  const folder = await scratch();
  chownSync(folder, user, user);
  chmodSync(folder, 0o711);
  const target = join(folder, 'target');
  mkdirSync(target);
  chownSync(target, user, user);
  return target;
}

/** What replacing it has said on the error stream; `fill` is code that writes into `folder`. */
function replacedAsUser(target: string, fill: string, how = 'all'): string {
  const text = `
    import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
    import { replaceFolder } from './runtime/archive/extract/replace.ts';
    await replaceFolder(${JSON.stringify(target)}, async (folder) => { process.chdir(folder); ${fill} }, '${how}')
      .catch((error) => console.error(error.message));`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '--eval', text], {
    cwd: new URL('../..', import.meta.url),
    uid: user,
    gid: user,
    env: { PATH: process.env.PATH ?? '', NODE_NO_WARNINGS: '1' },
    encoding: 'utf8',
  });
  return stderr;
}

/** A folder as in a cache of Go modules: nobody may write to it. */
const readOnly = `
  mkdirSync('mod/deep', { recursive: true });
  for (const file of ['mod/file', 'mod/deep/file']) writeFileSync(file, 'new');
  for (const path of ['mod/deep', 'mod']) chmodSync(path, 0o555);`;

test('who is not root gets folders that it may not write to, whatever is there', { skip }, async () => {
  const target = await usersFolder();
  const asUser = (...folders: string[]): void => {
    rmSync(target, { recursive: true });
    for (const folder of [target, ...folders.map((name) => join(target, name))]) {
      mkdirSync(folder);
      chownSync(folder, user, user);
    }
  };
  const check = (): void => {
    assert.equal(readFileSync(join(target, 'mod/deep/file'), 'utf8'), 'new');
    const modes = ['mod', 'mod/deep', 'mod/file'].map((path) => statSync(join(target, path)).mode & 0o777);
    assert.deepEqual(modes, [0o555, 0o555, 0o644]);
  };
  for (const folders of [[], ['empty'], ['mod'], ['mod', 'mod/deep']]) {
    asUser(...folders);
    assert.equal(replacedAsUser(target, readOnly), '', folders.join());
    check();
  }
  // Over what such a one has left, which has the same folders.
  assert.equal(replacedAsUser(target, readOnly, 'over'), '');
  check();
  assert.deepEqual(readdirSync(target), ['mod']);
  assert.equal(replacedAsUser(target, ''), '');
  assert.deepEqual(readdirSync(target), []);
});

test('a folder of another user that cannot be removed is named before anything is moved', { skip }, async () => {
  const target = await usersFolder();
  mkdirSync(join(target, 'own/others/empty'), { recursive: true });
  chownSync(join(target, 'own'), user, user);
  writeFileSync(join(target, 'file'), '');
  assert.equal(
    replacedAsUser(target, "writeFileSync('new', '')"),
    `${target} has a folder of another user, which cannot be removed: own/others\n`,
  );
  assert.deepEqual(readdirSync(target, { recursive: true }).sort(), ['file', 'own', 'own/others', 'own/others/empty']);
  // One that is empty can be.
  rmSync(join(target, 'own/others/empty'), { recursive: true });
  assert.equal(replacedAsUser(target, "writeFileSync('new', '')"), '');
  assert.deepEqual(readdirSync(target), ['new']);
  mkdirSync(join(target, 'others'));
  assert.match(replacedAsUser(target, "writeFileSync('newer', '')"), /cannot be removed: others/);
  assert.deepEqual(readdirSync(target).sort(), ['new', 'others']);
  chmodSync(join(target, 'others'), 0o1777);
  writeFileSync(join(target, 'others/file'), '');
  assert.match(replacedAsUser(target, "writeFileSync('newer', '')"), /cannot be removed: others/);
});

test('an empty folder of another user that cannot be filled is named, and all is as it was', { skip }, async () => {
  const target = await usersFolder();
  mkdirSync(join(target, 'work/deep'), { recursive: true });
  chownSync(join(target, 'work'), user, user);
  const said = replacedAsUser(target, "mkdirSync('work/deep', { recursive: true }); writeFileSync('new', '')");
  assert.equal(said, `${target} has an empty folder of the user 0, which the user ${user} cannot fill: work/deep\n`);
  assert.deepEqual(readdirSync(target, { recursive: true }), ['work', 'work/deep']);
  // Nothing comes into this one.
  assert.equal(replacedAsUser(target, "mkdirSync('work'); writeFileSync('new', '')"), '');
  assert.deepEqual(readdirSync(target, { recursive: true }).sort(), ['new', 'work', 'work/deep']);
  rmSync(join(target, 'new'));
  assert.equal(replacedAsUser(target, "writeFileSync('work', '')"), '');
  assert.deepEqual(readdirSync(target), ['work']);
});

test('what is no folder is said to be none: a file, a link to a folder', async () => {
  const folder = await scratch();
  const [file, link] = [join(folder, 'file'), join(folder, 'link')];
  writeFileSync(file, '');
  symlinkSync(folder, link);
  const fill = async (): Promise<void> => {};
  await assert.rejects(replaceFolder(file, fill), { message: `${file} is no folder` });
  await assert.rejects(replaceFolder(link, fill), {
    message: `${link} is a link: expected the folder that it points to`,
  });
  assert.equal(lstatSync(link).isSymbolicLink(), true);
});
