import assert from 'node:assert/strict';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { numbers } from '../support/random.ts';
import { fill, good, type Machine, makeMachine, result } from './support.ts';

/** What each path is: its kind, mode, and content or where it points. */
type Tree = Map<string, string>;

type Random = () => number;

function pick<T>(next: Random, list: readonly T[]): T {
  const found = list[Math.floor(next() * list.length)];
  assert.ok(found !== undefined);
  return found;
}

function treeIn(root: string): Tree {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const names = entries.map(({ parentPath, name }) => path.relative(root, path.join(parentPath, name))).sort();
  return new Map(
    names.map((name) => {
      const full = `${root}/${name}`;
      const found = lstatSync(full);
      if (found.isSymbolicLink()) return [name, `link ${readlinkSync(full)}`];
      const mode = (found.mode & 0o7777).toString(8);
      return [name, found.isDirectory() ? `folder ${mode}` : `file ${mode} ${readFileSync(full, 'utf8')}`];
    }),
  );
}

/** Makes, changes and removes things of all kinds. Few names, so that sides meet, and one's folder is another's file. */
function change(root: string, next: Random, steps: number): void {
  const name = (): string => pick(next, ['a', 'b', 'c']);
  for (let i = 0; i < steps; i++) {
    const parts = Array.from({ length: 1 + Math.floor(next() * 3) }, name);
    const full = path.join(root, ...parts);
    const action = next();
    if (action < 0.3) rmSync(path.join(root, ...parts.slice(0, 2)), { recursive: true, force: true });
    if (action < 0.3) continue;
    parts.slice(0, -1).forEach((_, at) => {
      const above = path.join(root, ...parts.slice(0, at + 1));
      if (lstatSync(above, { throwIfNoEntry: false })?.isDirectory() === false) rmSync(above);
    });
    const isFolder = lstatSync(full, { throwIfNoEntry: false })?.isDirectory() === true;
    if (action < 0.45 && isFolder) chmodSync(full, pick(next, [0o700, 0o755, 0o1777]));
    if (action < 0.45 && isFolder) continue;
    rmSync(full, { recursive: true, force: true });
    if (action < 0.55) mkdirSync(full, { recursive: true });
    else fill(root, { [parts.join('/')]: pick(next, ['', '1', '2']) });
    if (action > 0.9) rmSync(full);
    if (action > 0.9) symlinkSync(pick(next, ['gone', 'away']), full);
    else if (action > 0.8) chmodSync(full, 0o600);
  }
}

/** A merge by path, and what is in conflict. What is kept in a folder that another removed keeps that folder. */
function merged(base: Tree, sides: readonly Tree[], policy: string): { tree: Tree; conflicts: string[] } {
  const tree: Tree = new Map();
  const conflicts: string[] = [];
  const isFolder = (side: Tree, at: string): boolean => side.get(at)?.startsWith('folder') === true;
  const ups = (at: string): string[] =>
    at
      .split('/')
      .slice(0, -1)
      .map((_, i, all) => all.slice(0, i + 1).join('/'));
  for (const at of [...new Set([base, ...sides].flatMap((side) => [...side.keys()]))].sort()) {
    // That there is nothing, as there is no folder for it any more, is a change as well.
    const isInTheWay = (side: Tree): boolean =>
      ups(at).some((up) => side.has(up) && !isFolder(side, up) && side.get(up) !== base.get(up));
    const changed = sides.filter((side) => side.get(at) !== base.get(at) || isInTheWay(side));
    const values = changed.map((side) => side.get(at));
    if (new Set(values).size > 1) conflicts.push(at);
    const value = changed.length === 0 ? base.get(at) : policy === 'last' ? values.at(-1) : values[0];
    if (value === undefined) continue;
    tree.set(at, value);
    const from = sides.find((side) => side.get(at) === value) ?? base;
    for (const up of ups(at)) if (!isFolder(tree, up)) tree.set(up, from.get(up) ?? '');
  }
  return { tree: new Map([...tree].sort()), conflicts };
}

async function mergeAll(machine: Machine, next: Random, what: string): Promise<number> {
  const target = `--target=oci:${machine.path}/images`;
  const push = async (name: string): Promise<string> =>
    result(await good(machine.push(name, target, `--max-layers=${pick(next, [1, 64, 64])}`)), 'image');
  change(machine.workspace('base'), next, 8);
  fill(machine.workspace('base'), { kept: '' });
  const base = treeIn(machine.workspace('base'));
  const ancestor = await push('base');
  const sides: Tree[] = [];
  const sources: string[] = [];
  for (const name of ['one', 'two', 'three'].slice(0, next() < 0.3 ? 3 : 2)) {
    await good(machine.pull(name, '--', ancestor));
    for (let pushes = 0; pushes < 2; pushes++) {
      change(machine.workspace(name), next, 1 + next() * 3);
      fill(machine.workspace(name), { [name]: `${pushes}` });
      sources[sides.length] = await push(name);
    }
    sides.push(treeIn(machine.workspace(name)));
  }
  const { tree, conflicts } = merged(base, sides, 'error');
  const tried = await machine.pull('all', '--', ...sources);
  assert.equal(tried.code, conflicts.length > 0 ? 1 : 0, `${what}: ${conflicts} ${tried.stderr}`);
  if (conflicts.length > 0) assert.match(tried.stderr, /changed the same paths differently/, what);
  else assert.deepEqual(treeIn(machine.workspace('all')), tree, what);
  const policy = pick(next, ['first', 'last']);
  await good(machine.pull('all', `--merge=${policy}`, '--', ...sources));
  const all = treeIn(machine.workspace('all'));
  if (conflicts.length === 0 || sides.length === 2)
    assert.deepEqual(all, merged(base, sides, policy).tree, `${what}: ${policy}`);
  const image = await push('all');
  await good(machine.pull('again', '--', image));
  assert.deepEqual(treeIn(machine.workspace('again')), all, `${what}: pushed`);
  // A part of it, of which something is removed and changed: the rest is as it was.
  const wanted = [pick(next, [...all.keys()]), pick(next, [...all.keys()])];
  await good(machine.pull('part', `--paths=${wanted.join()}`, '--', image));
  for (const one of wanted)
    if (next() < 0.7) rmSync(`${machine.workspace('part')}/${one}`, { recursive: true, force: true });
  const isIn = (at: string): boolean => wanted.some((one) => at === one || at.startsWith(`${one}/`));
  const rest = [...all].filter(([at]) => !isIn(at));
  const now = [...treeIn(machine.workspace('part'))].filter(([at]) => isIn(at));
  await good(machine.pull('again', '--', await push('part')));
  assert.deepEqual(treeIn(machine.workspace('again')), new Map([...rest, ...now].sort()), `${what}: part ${wanted}`);
  return conflicts.length;
}

test('trees of all kinds that several change, merge, pull in part and push are what a model by path says', {
  timeout: 300_000,
}, async () => {
  const seeds = Number(process.env.SUBPIPE_TEST_SEEDS ?? 12);
  let conflicts = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    await using machine = await makeMachine();
    conflicts += (await mergeAll(machine, numbers(seed), `seed ${seed}`)) > 0 ? 1 : 0;
  }
  assert.ok(conflicts > 0 && conflicts < seeds, `${conflicts} of ${seeds} with conflicts`);
});
