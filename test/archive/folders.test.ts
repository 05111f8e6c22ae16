import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { looksMoved } from '../../runtime/archive/tree/looks.ts';
import { scanTree } from '../../runtime/archive/tree/scan.ts';
import { extracted, look, scratch, tarOf } from './support.ts';

const modes = [0o755, 0o2775, 0o700, 0o1777, 0o500, 0o050, 0, 0o711];

/** So many that another thread gets half of them; some that nobody may enter, with others in them. */
function folders(): Buffer {
  const entries = Array.from({ length: 900 }, (_, i) => ({
    path: `top/${i % 30}/${Math.floor(i / 30)}/in`,
    type: 'folder' as const,
    mode: modes[i % modes.length] ?? 0,
    mtime: 1_600_000_000 + i,
    nanoseconds: 123_456_000 + i * 100,
  }));
  const above = Array.from({ length: 30 }, (_, i) => ({
    path: `top/${i}`,
    type: 'folder' as const,
    mode: modes[(i + 4) % modes.length] ?? 0,
    mtime: 5 + i,
  }));
  // Of this one, both threads have what is in it.
  const top = { path: 'top', type: 'folder' as const, mode: 0o050, mtime: 1 };
  return tarOf(top, ...above, ...entries, ...entries.map(({ path }) => ({ path: `${path}/file`, content: path })));
}

test('folders that two threads finish are as those that one does, and as a scan finds them', async () => {
  const layer = folders();
  const [one, two] = [join(await scratch(), 'out'), join(await scratch(), 'out')];
  await extracted([layer], one, { asideFrom: Number.POSITIVE_INFINITY });
  const { looks } = await extracted([layer], two, { asideFrom: 0, looks: true });
  // Folders between that no entry is of are made now, each time anew.
  const told = (root: string) => [...look(root)].filter(([path]) => path.split('/').length !== 4);
  assert.deepEqual(told(two), told(one));
  const { mode, mtimeMs } = statSync(join(two, 'top/7/3/in'));
  assert.deepEqual([mode & 0o7777, Math.floor(mtimeMs / 1000)], [modes[97 % modes.length], 1_600_000_097]);
  assert.ok(looks);
  const { nodes } = await scanTree(two);
  assert.deepEqual(looksMoved(two, looks)?.nodes(), nodes);
});

test('who is not root gets folders that it may not enter, with what is in them', {
  skip: process.getuid?.() === 0 ? false : 'only root can become another user',
}, async () => {
  const folder = await scratch();
  const [layer, out] = [join(folder, 'layer'), join(folder, 'out')];
  writeFileSync(layer, folders());
  chmodSync(folder, 0o711);
  chownSync(folder, 1001, 1001);
  const text = `
    import { readFileSync } from 'node:fs';
    import { extracted } from './test/archive/support.ts';
    await extracted([readFileSync('${layer}')], '${out}', { asideFrom: 0 });`;
  const cwd = new URL('../..', import.meta.url);
  const as = { uid: 1001, gid: 1001, env: { PATH: process.env.PATH ?? '', NODE_NO_WARNINGS: '1' } };
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '--eval', text], {
    cwd,
    ...as,
  });
  assert.deepEqual([status, stderr.toString()], [0, '']);
  assert.equal(statSync(join(out, 'top/6/4/in')).mode & 0o7777, modes[(4 * 30 + 6) % modes.length]);
  assert.equal(statSync(join(out, 'top/2/29/in/file')).size, 'top/2/29/in'.length);
});
