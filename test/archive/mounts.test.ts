import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { scratch } from './support.ts';

const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0;
const skip = canMount ? false : 'only who may make mount namespaces can mount volumes';

/**
 * Mounts one volume of a disk at paths below a folder `target`, as one of a pod is, with a file in each, and has `comes`
 * replace what is there; or, with `cut off`, repairs a folder whose replacement was cut off when these were there.
 *
 * @returns the error, and what is in the folder then.
 */
async function replaced(mounts: string[], files: string[], comes: string[], how = 'all') {
  const folder = await scratch();
  const [target, volume] = [join(folder, 'target'), join(folder, 'volume')];
  for (const name of [...mounts, '']) mkdirSync(join(target, name), { recursive: true });
  mkdirSync(volume);
  const text = `
    import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
    import { dirname, join } from 'node:path';
    import { repairFolder, replaceFolder } from './runtime/archive/extract/replace.ts';
    const put = (root, files) => {
      for (const file of files) {
        mkdirSync(dirname(join(root, file)), { recursive: true });
        if (file.endsWith('/')) mkdirSync(join(root, file)); else writeFileSync(join(root, file), '');
      }
    };
    const [target, files, comes, how] = JSON.parse(process.argv[1]);
    put(target, files);
    if (how === 'cut off') {
      for (const name of ['new', 'old']) mkdirSync(join(target, '.subpipe-pull', name), { recursive: true });
      writeFileSync(join(target, '.subpipe-pull/journal'), JSON.stringify({ old: ['a'], new: comes, hollow: ['a'] }));
    }
    let error;
    try { if (how !== 'cut off') await replaceFolder(target, async (folder) => put(folder, comes), how); } catch (cause) { error = cause.message; }
    const repaired = repairFolder(target);
    console.log(JSON.stringify({ error, repaired, names: readdirSync(target, { recursive: true }).sort() }));`;
  const all = [...files, ...mounts.map((mount) => `${mount}/precious`)];
  const node = [process.execPath, '--input-type=module-typescript', '--eval', text];
  const bind = mounts.map((mount) => `mount --bind "$VOLUME" "$TARGET/${mount}"`).join(' && ');
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-c', `${bind} && exec "$@"`, 'sh', ...node, JSON.stringify([target, all, comes, how])],
    {
      cwd: new URL('../..', import.meta.url),
      env: { ...process.env, VOLUME: volume, TARGET: target },
      encoding: 'utf8',
    },
  );
  assert.equal(status, 0, stderr);
  const { error, ...rest }: { error?: string; repaired: boolean; names: string[] } = JSON.parse(stdout);
  return { ...rest, error: error?.replace(target, 'TARGET') };
}

test('a volume that is mounted in a workspace stays, with what is in it', { skip }, async () => {
  const none = { error: undefined, repaired: false };
  // Also one of the same disk as the workspace, and one that a push has left an empty folder of.
  assert.deepEqual(await replaced(['cache'], ['old/file'], ['new', 'cache/']), {
    ...none,
    names: ['cache', 'cache/precious', 'new'],
  });
  assert.deepEqual(await replaced(['a/cache'], [], ['a/new', 'a/cache/', 'top']), {
    ...none,
    names: ['a', 'a/cache', 'a/cache/precious', 'a/new', 'top'],
  });
  assert.deepEqual(await replaced(['a/with space'], ['old'], ['a/new'], 'over'), {
    ...none,
    names: ['a', 'a/new', 'a/with space', 'a/with space/precious', 'old'],
  });
  assert.deepEqual(await replaced(['cache'], [], ['new'], 'empty'), {
    ...none,
    names: ['cache', 'cache/precious', 'new'],
  });
});

test('nothing is moved with a volume in it, or put into one: an error names it, and all is as it was', {
  skip,
}, async () => {
  const inTheWay = 'another volume is mounted at TARGET/a/cache: the images have something else there';
  assert.deepEqual(await replaced(['a/cache'], ['old'], ['new']), {
    error: 'another volume is mounted at TARGET/a/cache: what it is in cannot be replaced',
    repaired: false,
    names: ['a', 'a/cache', 'a/cache/precious', 'old'],
  });
  const hollow = { error: inTheWay, repaired: false, names: ['a', 'a/cache', 'a/cache/precious'] };
  assert.deepEqual(await replaced(['a/cache'], [], ['a/cache/file']), hollow);
  assert.deepEqual(await replaced(['a/cache'], [], ['a']), hollow);
  assert.deepEqual(await replaced(['a/cache'], [], ['a/cache'], 'over'), hollow);
  const top = await replaced(['cache'], ['old'], ['cache/file']);
  assert.deepEqual(top.names, ['cache', 'cache/precious', 'old']);
  assert.match(top.error ?? '', /mounted at TARGET\/cache: the images/);
});

test('what puts back a folder of an exchange that was cut off leaves a volume in it alone', { skip }, async () => {
  assert.deepEqual(await replaced(['a/cache'], ['a/half', 'new'], ['a', 'new'], 'cut off'), {
    error: undefined,
    repaired: true,
    names: ['a', 'a/cache', 'a/cache/precious'],
  });
});

test('a volume that is mounted in a workspace is no part of it, but for its folder', { skip }, async () => {
  const folder = await scratch();
  for (const name of ['target/a/cache', 'volume/inner']) mkdirSync(join(folder, name), { recursive: true });
  for (const name of ['target/a/file', 'target/secret', 'volume/precious', 'token'])
    writeFileSync(join(folder, name), '');
  const text = `
    import { scanTree } from './runtime/archive/tree/scan.ts';
    const { paths, skipped } = await scanTree(process.argv[1]);
    console.log(JSON.stringify({ paths, skipped: skipped.map(({ path }) => path) }));`;
  const node = [process.execPath, '--input-type=module-typescript', '--eval', text, join(folder, 'target')];
  const bind = 'mount --bind "$F/volume" "$F/target/a/cache" && mount --bind "$F/token" "$F/target/secret"';
  const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', `${bind} && exec "$@"`, 'sh', ...node], {
    cwd: new URL('../..', import.meta.url),
    env: { ...process.env, F: folder },
    encoding: 'utf8',
  });
  const found: unknown = JSON.parse(stdout || JSON.stringify(stderr));
  assert.deepEqual(found, { paths: ['a', 'a/cache', 'a/file'], skipped: ['secret', 'a/cache'] });
});
