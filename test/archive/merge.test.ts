import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { extractLayers } from '../../runtime/archive/extract/extract.ts';
import { replaceFolder } from '../../runtime/archive/extract/replace.ts';
import type { MergePolicy } from '../../runtime/archive/merge/decide.ts';
import { stackLayers } from '../../runtime/archive/merge/lineage.ts';
import { type MergePlan, planMerge } from '../../runtime/archive/merge/merge.ts';
import { type Digest, digestOf } from '../../runtime/oci/digest.ts';
import { layerOf, scratch, tarOf } from './support.ts';

const file = (path: string, content: string) => ({ path, content });
const gone = (path: string) => ({ path: path.replace(/([^/]+)$/, '.wh.$1') });
const base = tarOf(
  file('a', 'a0'),
  file('b', 'b0'),
  { path: 'd', type: 'folder', mode: 0o755 },
  file('d/x', 'x0'),
  file('d/y', 'y0'),
);

async function merged(images: Record<string, Buffer[]>, policy: MergePolicy = 'error'): Promise<string> {
  const target = join(await scratch(), 'out');
  const sources = Object.entries(images).map(([name, layers]) => ({
    name,
    layers: layers.map((bytes, i) => ({ ...layerOf(bytes, `${name}:${i}`), digest: digestOf(bytes) })),
  }));
  const plan = await planMerge(sources, { policy });
  await replaceFolder(target, (folder) => extractLayers(plan.stages, folder, {}, plan.gone));
  return target;
}

const text = (target: string, path: string) => readFileSync(join(target, path), 'utf8');

test('what each side changed, added and removed is in the merge', async () => {
  const one = tarOf(file('a', 'a1'), file('d/new', 'n1'), gone('d/x'));
  const two = [tarOf(file('b', 'b1'), file('e/f', 'f1')), tarOf(file('b', 'b2'))];
  const out = await merged({ one: [base, one], two: [base, ...two] });
  assert.deepEqual([text(out, 'a'), text(out, 'b'), text(out, 'd/new'), text(out, 'e/f')], ['a1', 'b2', 'n1', 'f1']);
  assert.deepEqual(readdirSync(join(out, 'd')), ['new', 'y']);
});

test('a path changed differently is an error that names it, unless a policy decides', async () => {
  const images = { one: [base, tarOf(file('a', 'a1'), file('b', 'b1'))], two: [base, tarOf(file('a', 'a2'))] };
  await assert.rejects(merged(images), /one, two changed the same paths differently: a$/);
  assert.equal(text(await merged(images, 'first'), 'a'), 'a1');
  assert.equal(text(await merged(images, 'last'), 'a'), 'a2');
  assert.equal(text(await merged(images, { ours: 'two' }), 'a'), 'a2');
  assert.equal(text(await merged(images, 'last'), 'b'), 'b1');
});

test('ours counts where another source has changed a path in the same way, and may be several sources', async () => {
  const later = { ...file('a', 'a1'), mtime: 9 };
  const images = {
    one: [base, tarOf(file('a', 'a1'))],
    same: [base, tarOf(later)],
    two: [base, tarOf(file('a', 'a2'))],
  };
  assert.equal(text(await merged(images, { ours: 'one' }), 'a'), 'a1');
  assert.equal(text(await merged(images, { ours: ['same', 'one'] }), 'a'), 'a1');
  const conflict = /changed the same paths differently: a$/;
  await assert.rejects(merged(images, { ours: ['one', 'two'] }), conflict, 'they do not agree');
  await assert.rejects(merged(images, { ours: [] }), conflict);
});

test('the same change twice is no conflict; nor is a file told again as it was', async () => {
  const same = { one: [base, tarOf(file('a', 'a1'))], two: [base, tarOf({ ...file('a', 'a1'), mtime: 9 })] };
  const out = await merged(same);
  assert.equal(text(out, 'a'), 'a1');
  assert.equal(lstatSync(join(out, 'a')).mtimeMs, 9000);
  const again = { one: [base, tarOf(file('a', 'a0'))], two: [base, tarOf(file('a', 'a2'))] };
  assert.equal(text(await merged(again), 'a'), 'a2');
});

test('extended attributes are changes as well: kept where the other side told the file as it was, else a conflict', async () => {
  const noted = (value: string, name = 'user.note') => ({ attributes: new Map([[name, Buffer.from(value)]]) });
  const one = [base, tarOf({ ...file('a', 'a0'), ...noted('1'), mtime: 5 })];
  const touched = [base, tarOf({ ...file('a', 'a0'), mtime: 9 })];
  for (const images of [
    { one, touched },
    { touched, one },
  ]) {
    assert.equal(lstatSync(join(await merged(images), 'a')).mtimeMs, 5000);
  }
  const content = [base, tarOf(file('a', 'a1'))];
  const other = [base, tarOf({ ...file('a', 'a0'), ...noted('2') })];
  const link = [base, tarOf({ ...file('0', 'a0'), ...noted('2') }, { path: 'a', type: 'hardlink', target: '0' })];
  for (const two of [content, other, link]) {
    await assert.rejects(merged({ one, two }), /one, two changed the same paths differently: a$/);
  }
  // What a pull does not set is no difference.
  const labelled = [base, tarOf({ ...file('a', 'a0'), ...noted('label', 'security.selinux') })];
  assert.equal(text(await merged({ labelled, content }), 'a'), 'a1');
});

test('removed by one and changed by the other is a conflict, also by the folder above', async () => {
  const change = tarOf({ path: 'd', type: 'folder', mode: 0o755 }, file('d/x', 'x1'));
  await assert.rejects(merged({ one: [base, tarOf(gone('d/x'))], two: [base, change] }), /: d\/x$/);
  await assert.rejects(merged({ one: [base, tarOf(gone('d'))], two: [base, change] }), /d\/x/);
  await assert.rejects(merged({ one: [base, tarOf(file('d', 'a file'))], two: [base, change] }), /d\/x/);
  const empty = tarOf({ path: 'd/.wh..wh..opq' });
  await assert.rejects(merged({ one: [base, empty], two: [base, change] }), /d\/x/);
});

test('removed by both, or by one alone, is gone', async () => {
  const both = await merged({ one: [base, tarOf(gone('d'))], two: [base, tarOf(gone('d'), file('z', ''))] });
  assert.ok(!existsSync(join(both, 'd')));
  const one = await merged({ one: [base, tarOf(gone('b'))], two: [base, tarOf(file('z', ''))] });
  assert.deepEqual(readdirSync(one), ['a', 'd', 'z']);
  const emptied = await merged({ one: [base, tarOf({ path: 'd/.wh..wh..opq' })], two: [base, tarOf(file('d/z', ''))] });
  assert.deepEqual(readdirSync(join(emptied, 'd')), ['z']);
});

test('images with nothing in common are laid over each other; one image, or the same twice, is taken as it is', async () => {
  const out = await merged({ one: [base], two: [tarOf(file('q', 'q'))] });
  assert.deepEqual(readdirSync(out), ['a', 'b', 'd', 'q']);
  const up = tarOf(file('a', 'a1'));
  assert.equal(text(await merged({ one: [base], two: [base, up] }), 'a'), 'a1');
  assert.equal(text(await merged({ one: [base, up], two: [base, up] }), 'a'), 'a1');
});

test('what a later image changed of what others have too is no conflict: made one from the other in part', async () => {
  const shared = tarOf(file('a', 'a1'), file('d/s', 's1'), { path: 'd', type: 'folder', mode: 0o755 });
  const images = {
    far: [base, tarOf(file('far', 'f'))],
    one: [base, shared, tarOf(file('a', 'a2'))],
    two: [base, shared, tarOf(file('b', 'b2'), gone('d/s'))],
  };
  const out = await merged(images);
  assert.deepEqual([text(out, 'a'), text(out, 'b'), text(out, 'far')], ['a2', 'b2', 'f']);
  assert.deepEqual(readdirSync(join(out, 'd')), ['x', 'y']);
  const both = { ...images, three: [base, shared, tarOf(file('a', 'a3'))] };
  await assert.rejects(merged(both), /changed the same paths differently: a$/);
});

/** A base with another layer on it, images of that which were made anew, and one that was not. */
const up = tarOf(file('u', 'u0'), file('a', 'a1'));
const line = [base, up];
const anew = (changes: Parameters<typeof tarOf>) =>
  tarOf({ path: 'd', type: 'folder', mode: 0o755 }, file('b', 'b0'), file('d/x', 'x0'), file('u', 'u0'), ...changes);

async function mergedLines(
  images: Record<string, { layers: Buffer[]; lineages?: Buffer[][]; anew?: number }>,
  options: { policy?: MergePolicy; there?: Buffer[] } = {},
): Promise<{ out: string; plan: MergePlan }> {
  const out = join(await scratch(), 'out');
  const layer = (bytes: Buffer) => ({ ...layerOf(bytes), digest: digestOf(bytes) });
  const sources = Object.entries(images).map(([name, { layers, lineages = [], anew = 1 }]) => ({
    name,
    layers: layers.map(layer),
    lineage: {
      anew: lineages.length === 0 ? 0 : anew,
      from: lineages.map((_, i) => i),
      lines: lineages.map((one) => ({ layers: one.map((bytes) => digestOf(bytes)), anew: 0, from: [] })),
    },
  }));
  const { policy = 'error', there = [] } = options;
  const find = async (digest: Digest) => there.filter((bytes) => digestOf(bytes) === digest).map(layer)[0];
  const plan = await planMerge(sources, { policy, find });
  await replaceFolder(out, (folder) => extractLayers(plan.stages, folder, {}, plan.gone));
  return { out, plan };
}

test('an image that was made anew is merged by the layers that it was made from: no false conflicts, nothing comes back', async () => {
  // Without d/y; a as it was, b too; and c, which is new. Owned by who pushed it.
  const one = { layers: [anew([{ ...file('a', 'a1'), uid: 7 }, file('c', 'c1')])], lineages: [line] };
  const two = { layers: [...line, tarOf(file('a', 'a2'), gone('b'), file('d/new', 'n'))] };
  for (const images of [
    { one, two },
    { two, one },
  ]) {
    const { out, plan } = await mergedLines(images);
    assert.deepEqual(readdirSync(out, { recursive: true }).sort(), ['a', 'c', 'd', 'd/new', 'd/x', 'u']);
    assert.equal(text(out, 'a'), 'a2');
    assert.equal(plan.isStackable, false);
  }
  // With a layer more, and a real conflict.
  const later = { ...one, layers: [...one.layers, tarOf(file('a', 'a3'))] };
  await assert.rejects(mergedLines({ later, two }), /later, two changed the same paths differently: a$/);
  assert.equal(text((await mergedLines({ later, two }, { policy: 'first' })).out, 'a'), 'a3');
});

test('that an image made anew lacks attributes is no change: they may not have been set where it was pulled', async () => {
  const note = { attributes: new Map([['user.note', Buffer.from('1')]]) };
  const noted = [base, tarOf({ ...file('u', 'u0'), ...note }, file('a', 'a1'))];
  const two = { layers: [...noted, tarOf({ ...file('u', 'u1'), ...note })] };
  const one = { layers: [anew([file('a', 'a1')])], lineages: [noted] };
  assert.equal(text((await mergedLines({ one, two })).out, 'u'), 'u1');
  const other = { attributes: new Map([['user.note', Buffer.from('2')]]) };
  const changed = { layers: [anew([file('a', 'a1'), { ...file('u', 'u0'), ...other }])], lineages: [noted] };
  await assert.rejects(mergedLines({ changed, two }), /changed the same paths differently: u$/);
});

test('of layers that were made anew together, a few in common are no ancestor', async () => {
  const first = tarOf(file('u', 'u0'), file('b', 'b0'), file('a', 'a1'));
  const folder = { path: 'd', type: 'folder' as const, mode: 0o755 };
  const one = { layers: [first, tarOf(folder, file('d/x', 'x0'))], lineages: [line], anew: 2 };
  const two = {
    layers: [first, tarOf(folder, file('d/x', 'x0'), file('d/y', 'y0'), file('e', 'e'))],
    lineages: [line],
    anew: 2,
  };
  const { out } = await mergedLines({ one, two }, { there: line });
  assert.deepEqual(readdirSync(out, { recursive: true }).sort(), ['a', 'b', 'd', 'd/x', 'e', 'u']);
});

test('what an image has put again into a folder that it had removed is there', async () => {
  const folder = { path: 'd', type: 'folder' as const, mode: 0o755 };
  const known = tarOf(folder, file('d/x', 'x1'));
  const before = [[base, known]];
  const all = [file('a', 'a0'), file('b', 'b0'), folder, file('d/x', 'x1'), file('d/y', 'y0'), file('new', 'n')];
  const one = { layers: [tarOf(...all)], lineages: before };
  const two = { layers: [base, tarOf(gone('d')), known], lineages: before, anew: 0 };
  for (const images of [
    { one, two },
    { two, one },
  ]) {
    const { out } = await mergedLines(images);
    assert.deepEqual(readdirSync(out, { recursive: true }).sort(), ['a', 'b', 'd', 'd/x', 'new']);
  }
});

test('what an image has taken away and put again as its ancestor had it is there', async () => {
  const folder = { path: 'd', type: 'folder' as const, mode: 0o700 };
  const shared = [tarOf(file('d', 'a file')), tarOf(gone('d')), tarOf(folder, file('d/x', 'x0'), file('a', 'a0'))];
  const one = { layers: [...shared, tarOf(file('a', 'a1'))], lineages: [] };
  // As after a merge of both: the ancestor's layers are in it, but it does not begin with them.
  const two = { layers: [tarOf(file('new', 'n')), ...shared, tarOf(file('b', 'b1'))], lineages: [shared], anew: 0 };
  for (const images of [
    { one, two },
    { two, one },
  ]) {
    const { out } = await mergedLines(images);
    assert.deepEqual(readdirSync(out, { recursive: true }).sort(), ['a', 'b', 'd', 'd/x', 'new']);
    assert.equal(lstatSync(join(out, 'd')).mode & 0o777, 0o700);
  }
});

test('a folder that a file took the place of, and that is a folder again, has lost what was in it', async () => {
  const folder = { path: 'd', type: 'folder', mode: 0o755 } as const;
  const one = [base, tarOf(file('d', 'in its place')), tarOf(folder, file('d/z', 'z1'))];
  const out = await merged({ one, two: [base, tarOf(file('a', 'a2'))] });
  assert.deepEqual(readdirSync(join(out, 'd')), ['z']);
  await assert.rejects(merged({ one, two: [base, tarOf(file('d/x', 'x2'))] }), /differently: d\/x$/);
});

test('what is new in a folder that another made a file of is a conflict: a policy keeps the file, or the folder with it', async () => {
  const folder = { path: 'd', type: 'folder', mode: 0o755 } as const;
  const one = [base, tarOf(folder, file('d/new', 'n1'))];
  const two = [base, tarOf(file('d', 'a file'))];
  await assert.rejects(merged({ one, two }), /one, two changed the same paths differently: d\/new$/);
  for (const policy of ['last', { ours: 'two' }] as const) {
    assert.equal(text(await merged({ one, two }, policy), 'd'), 'a file');
  }
  assert.deepEqual(readdirSync(join(await merged({ one, two }, 'first'), 'd')), ['new']);
  const [folderToo, fileToo] = [[tarOf({ ...folder, mode: 0o700 }, file('d/x', '1'))], [tarOf(file('d', 'a file'))]];
  const apart = { one: folderToo, two: fileToo };
  await assert.rejects(merged(apart), /differently: d, d\/x$/, 'nothing in common');
  assert.equal(text(await merged(apart, 'last'), 'd'), 'a file');
  assert.equal(text(await merged(apart, 'first'), 'd/x'), '1');
  // A file that is told again as it was is no change.
  const before = tarOf(file('d', 'a file'));
  const again = { one: [before, tarOf(folder, file('d/new', 'n1'))], two: [before, tarOf(file('d', 'a file'))] };
  assert.equal(text(await merged(again), 'd/new'), 'n1');
});

test('what is new in a folder that another removed is kept, and the folder is what it was', async () => {
  const folder = { path: 'p', type: 'folder', mode: 0o700 } as const;
  const before = tarOf(folder, file('p/x', '1'));
  const out = await merged({ one: [before, tarOf(folder, file('p/new', 'n1'))], two: [before, tarOf(gone('p'))] });
  assert.deepEqual(readdirSync(join(out, 'p')), ['new']);
  assert.equal(lstatSync(join(out, 'p')).mode & 0o777, 0o700);
});

test('last is the last source that has a change, also where an earlier one has made the same', async () => {
  const images = {
    one: [base, tarOf(file('a', '1'))],
    two: [base, tarOf(file('a', '2'))],
    three: [base, tarOf(file('a', '1'), file('b', '3'))],
  };
  assert.equal(text(await merged(images, 'last'), 'a'), '1');
  assert.equal(text(await merged(images, 'first'), 'a'), '1');
});

test('images that were both made anew need the layers that they were made from', async () => {
  const one = { layers: [anew([file('a', 'a1'), file('d/y', 'y0'), file('c', 'c1')])], lineages: [line] };
  const two = { layers: [anew([file('a', 'a2')])], lineages: [[base], line] };
  const { out } = await mergedLines({ one, two }, { there: line });
  assert.deepEqual(readdirSync(out, { recursive: true }).sort(), ['a', 'b', 'c', 'd', 'd/x', 'u']);
  assert.equal(text(out, 'a'), 'a2');
  await assert.rejects(
    mergedLines({ one, two }),
    /one, two were made anew from an image whose layer sha256:\S+ is not there/,
  );
});

test('what was merged before and changed since is no conflict with what one of its parents still has', async () => {
  const [x, y] = [tarOf(file('x', 'x1')), tarOf(file('y', 'y1'), file('y2', 'y1'))];
  const merge = { layers: [base, x, y, tarOf(file('y', 'y3'), gone('y2'))] };
  const parent = { layers: [base, y, tarOf(file('z', 'z1'))] };
  for (const images of [
    { merge, parent },
    { parent, merge },
  ]) {
    const { out } = await mergedLines(images);
    assert.deepEqual(readdirSync(out), ['a', 'b', 'd', 'x', 'y', 'z']);
    assert.equal(text(out, 'y'), 'y3');
  }
  const changed = { layers: [base, y, tarOf(file('y', 'y4'))] };
  await assert.rejects(mergedLines({ merge, changed }), /changed the same paths differently: y$/);
});

test('which paths layers laid over each other get wrong is told', async () => {
  const planOf = (images: Record<string, Buffer[]>) =>
    planMerge(
      Object.entries(images).map(([name, layers]) => ({
        name,
        layers: layers.map((bytes) => ({ ...layerOf(bytes), digest: digestOf(bytes) })),
      })),
    );
  const one = tarOf({ path: 'd', type: 'folder', mode: 0o755 }, file('d/new', 'n1'), file('a', 'a1'));
  const emptied = tarOf({ path: 'd', type: 'folder', mode: 0o755 }, file('d/.wh..wh..opq', ''), file('a', 'a0'));
  assert.deepEqual((await planOf({ one: [base, one], two: [base, emptied] })).amiss, ['d/new', 'a']);
  assert.deepEqual((await planOf({ two: [base, emptied], one: [base, one] })).amiss, []);
  const plain = await planOf({ one: [base, tarOf(file('a', 'a1'))], two: [base, tarOf(file('b', 'b1'))] });
  assert.deepEqual(plain.amiss, []);
});

test('layers are stacked from where each image leaves those before it; a layer may be there twice', () => {
  const digest = (name: string) => ({ digest: digestOf(name) });
  const image = (text: string) => ({ layers: [...text].map(digest) });
  const stacked = stackLayers([image('cax'), image('cay'), image('caybb'), image('d')]);
  assert.deepEqual(stacked, [...'caxybbd'].map(digest));
});
