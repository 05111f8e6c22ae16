import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { numbers } from '../support/random.ts';
import { fill, good, type Machine, makeMachine, result } from './support.ts';

/** A push, and what is known of it: its files, and the pushes that it was made from. */
interface Push {
  image: string;
  files: ReadonlyMap<string, string>;
  parents: readonly Push[];
}

type Random = () => number;

const pick = <T>(next: Random, list: readonly T[]): T => {
  const found = list[Math.floor(next() * list.length)];
  assert.ok(found !== undefined);
  return found;
};

function allBefore(push: Push, found = new Set<Push>()): Set<Push> {
  if (!found.has(push)) {
    found.add(push);
    for (const parent of push.parents) allBefore(parent, found);
  }
  return found;
}

/** The one last common ancestor; undefined where there are several, or one is the other's. */
function ancestorOf(one: Push, two: Push): Push | undefined {
  const [before, other] = [allBefore(one), allBefore(two)];
  if (before.has(two) || other.has(one)) return undefined;
  const common = [...before].filter((push) => other.has(push));
  const last = common.filter((push) => !common.some((later) => later !== push && allBefore(later).has(push)));
  return last.length === 1 ? last[0] : undefined;
}

/** What a merge is to be. */
function merged(base: Push, one: Push, two: Push): { files: Map<string, string>; conflicts: string[] } {
  const files = new Map<string, string>();
  const conflicts: string[] = [];
  for (const path of new Set([...one.files.keys(), ...two.files.keys(), ...base.files.keys()])) {
    const [before, a, b] = [base.files.get(path), one.files.get(path), two.files.get(path)];
    const isConflict = a !== b && a !== before && b !== before;
    if (isConflict) conflicts.push(path);
    const value = b === before ? a : b;
    if (value !== undefined) files.set(path, value);
  }
  return { files, conflicts: conflicts.sort() };
}

function filesIn(root: string): Map<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(`${root}/${name}`).isFile(),
  );
  return new Map(names.sort().map((name) => [name, readFileSync(`${root}/${name}`, 'utf8')]));
}

/** Writes, changes and removes some files. Few names, so that sides meet. */
function change(machine: Machine, next: Random): void {
  const work = machine.workspace('work');
  for (let i = 0; i < 1 + next() * 3; i++) {
    const path = `${pick(next, ['a', 'b', 'c/d', 'c'])}/${Math.floor(next() * 5)}`;
    if (next() < 0.35) rmSync(`${work}/${path}`, { recursive: true, force: true });
    // Few contents as well: the same change on both sides.
    else if (statSync(`${work}/${path}`, { throwIfNoEntry: false })?.isDirectory() !== true)
      fill(work, { [path]: String(Math.floor(next() * 4)) });
  }
  if (next() < 0.1) rmSync(`${work}/${pick(next, ['a', 'b', 'c'])}`, { recursive: true, force: true });
}

async function push(machine: Machine, next: Random, parents: readonly Push[]): Promise<Push> {
  // Now and then it is made anew.
  const layers = next() < 0.3 ? 1 : 64;
  const flags = [`--target=oci:${machine.path}/images`, `--max-layers=${layers}`];
  const image = result(await good(machine.push('work', ...flags)), 'image');
  return { image, files: filesIn(machine.workspace('work')), parents };
}

async function mergeSome(machine: Machine, next: Random, pushes: readonly Push[], what: string) {
  const [one, two] = [pick(next, pushes), pick(next, pushes)];
  const base = ancestorOf(one, two);
  if (base === undefined) return undefined;
  const expected = merged(base, one, two);
  const sources = ['--', one.image, two.image];
  if (expected.conflicts.length > 0) {
    const refused = await machine.pull('work', ...sources);
    assert.equal(refused.code, 1, `${what}: a conflict in ${expected.conflicts.join(', ')}`);
    const [, named = ''] = /differently: ([^.]*)\./.exec(refused.stderr) ?? [];
    const files = named.split(', ').filter((path) => /\d$/.test(path));
    assert.deepEqual(files.sort(), expected.conflicts, what);
  }
  await good(machine.pull('work', '--merge=last', ...sources));
  assert.deepEqual(filesIn(machine.workspace('work')), new Map([...expected.files].sort()), what);
  return [one, two];
}

test('merges of all kinds of histories are what a merge by the last common ancestor is', {
  timeout: 300_000,
}, async () => {
  const seeds = Number(process.env.SUBPIPE_TEST_SEEDS ?? 2);
  let merges = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    await using machine = await makeMachine();
    const next = numbers(seed);
    change(machine, next);
    fill(machine.workspace('work'), { 'a/0': 'a', 'b/0': 'b', 'c/0': 'c' });
    const pushes = [await push(machine, next, [])];
    for (let round = 0; round < 30; round++) {
      const what = `seed ${seed}, round ${round}`;
      const parents = next() < 0.5 ? await mergeSome(machine, next, pushes.slice(-6), what) : undefined;
      if (parents !== undefined) merges++;
      const from = parents ?? [pick(next, pushes.slice(-6))];
      if (parents === undefined) await good(machine.pull('work', '--', from[0]?.image ?? ''));
      if (parents === undefined || next() < 0.5) change(machine, next);
      const made = await push(machine, next, from);
      await good(machine.pull('again', '--', made.image));
      assert.deepEqual(filesIn(machine.workspace('again')), made.files, what);
      pushes.push(made);
    }
  }
  assert.ok(merges > seeds * 5, `${merges} merges`);
});
