import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { readConfig } from '../../runtime/oci/config.ts';
import { readSmall } from '../../runtime/oci/copy.ts';
import { openTarget } from '../../runtime/oci/open.ts';
import { readImage } from '../../runtime/oci/platform.ts';
import { look } from '../archive/support.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { fill, good, type Machine, makeMachine, result } from './support.ts';

/** A base, and images that two Tasks made of it side by side. */
async function fork(
  machine: Machine,
  repository: string,
  sides: Record<string, (folder: string) => void>,
): Promise<Record<string, string>> {
  machine.workspace('base', { a: 'a0', b: 'b0', 'd/x': 'x0', 'd/y': 'y0' });
  const base = result(await good(machine.push('base', `--target=${repository}`)), 'image');
  const images: Record<string, string> = { base };
  for (const [name, change] of Object.entries(sides)) {
    await good(machine.pull(name, '--', base));
    change(machine.workspace(name));
    images[name] = result(await good(machine.push(name, `--target=${repository}`)), 'image');
  }
  return images;
}

test('what parallel Tasks changed is merged, and pushed on without sending it again', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const repository = `${registry.host}/team/app`;
  const images = await fork(machine, repository, {
    one: (folder) => fill(folder, { a: 'a1', 'd/new': 'n' }),
    two: (folder) => {
      rmSync(`${folder}/b`);
      fill(folder, { 'e/f': 'f' });
    },
  });
  const asked = registry.requests.length;
  const pulled = await good(machine.pull('both', '--', images.one ?? '', images.two ?? ''));
  const blobs = registry.requests.slice(asked).filter((line) => /^GET .*\/blobs\//.test(line));
  assert.equal(blobs.length, 5, 'two configs and three layers, each once');
  assert.equal(new Set(blobs).size, 5);
  const both = machine.workspace('both');
  assert.deepEqual(readdirSync(both).sort(), ['a', 'd', 'e']);
  assert.equal(readFileSync(`${both}/a`, 'utf8'), 'a1');
  assert.equal(result(pulled, 'image'), '', 'it is two images');
  assert.deepEqual(pulled.results.sources, [images.one, images.two]);
  const before = registry.requests.length;
  const merged = await good(machine.push('both', `--target=${repository}`));
  assert.deepEqual([result(merged, 'layers'), result(merged, 'changed-files')], ['3', '0']);
  assert.equal(
    registry.requests.slice(before).filter((line) => line.startsWith('PATCH')).length,
    0,
    'no layer was sent',
  );
  // One entry for each layer, and one that is none's (image-spec, config.md "history").
  const { target, reference } = await openTarget(result(merged, 'image'));
  const { value } = await readImage(target, reference);
  const { history, rootfs } = readConfig(await readSmall(target, value.config), 'test');
  assert.deepEqual([rootfs.diff_ids.length, history], [3, [{}, {}, {}, { empty_layer: true }]]);
  await good(machine.pull('again', '--', result(merged, 'image')));
  assert.deepEqual([...look(machine.workspace('again')).keys()], [...look(both).keys()]);
});

test('what the layers of a merge laid over each other get wrong, the next push puts right', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const repository = `${registry.host}/team/app`;
  const images = await fork(machine, repository, {
    one: (folder) => fill(folder, { 'd/new': 'n', a: 'a1' }),
    two: (folder) => {
      // An opaque folder, which hides what others put there; and a file written again as it was.
      rmSync(`${folder}/d/x`);
      rmSync(`${folder}/d/y`);
      fill(folder, { a: 'a0' });
    },
  });
  await good(machine.pull('both', '--', images.one ?? '', images.two ?? ''));
  const both = machine.workspace('both');
  assert.deepEqual(readdirSync(`${both}/d`), ['new']);
  assert.equal(readFileSync(`${both}/a`, 'utf8'), 'a1');
  const merged = await good(machine.push('both', `--target=${repository}`));
  await good(machine.pull('again', '--', result(merged, 'image')));
  const again = machine.workspace('again');
  assert.deepEqual(readdirSync(`${again}/d`), ['new']);
  assert.equal(readFileSync(`${again}/a`, 'utf8'), 'a1');
});

test('a path that both changed differently is an error that names it and leaves the folder, unless a policy decides', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const repository = `${registry.host}/team/app`;
  const images = await fork(machine, repository, {
    one: (folder) => fill(folder, { a: 'a1' }),
    two: (folder) => fill(folder, { a: 'a2', b: 'b2' }),
  });
  const both = machine.workspace('both', { mine: 'kept' });
  const refused = await machine.pull('both', '--', images.one ?? '', images.two ?? '');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /changed the same paths differently: a\. Let parallel Tasks write to different paths/);
  assert.deepEqual(readdirSync(both), ['mine']);
  const cases = { first: 'a1', last: 'a2', [`ours=${images.one}`]: 'a1', [`ours=${images.two}`]: 'a2' };
  for (const [policy, expected] of Object.entries(cases)) {
    const pulled = await good(machine.pull('both', `--merge=${policy}`, '--', images.one ?? '', images.two ?? ''));
    assert.match(pulled.stderr, /warn: a was changed differently: --merge decided\n/);
    assert.equal(readFileSync(`${both}/a`, 'utf8'), expected, policy);
    const merged = await good(machine.push('both', `--target=${repository}`));
    await good(machine.pull('again', '--', result(merged, 'image')));
    assert.deepEqual(look(machine.workspace('again')), look(both), policy);
  }
  const wrong = await machine.pull('both', '--merge=ours=three', '--', images.one ?? '', images.two ?? '');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /--merge=ours=three names none of the sources: expected one of /);
});

test('ours may be a tag that was pushed to side by side, or a source that is not there or went into another', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const repository = `${registry.host}/team/app`;
  const images = await fork(machine, repository, {
    one: (folder) => fill(folder, { a: 'a1' }),
    two: (folder) => fill(folder, { b: 'b2' }),
    theirs: (folder) => fill(folder, { a: 'a3', b: 'b3' }),
  });
  const { one = '', two = '', theirs = '' } = images;
  const tag = `${repository}:side`;
  for (const image of [one, two]) {
    await good(machine.pull('again', '--', image));
    fill(machine.workspace('again'), { [image === one ? 'one' : 'two']: '' });
    await good(machine.push('again', `--target=${tag}`));
  }
  await good(machine.pull('both', `--merge=ours=${tag}`, '--', tag, theirs));
  const both = machine.workspace('both');
  assert.deepEqual([readFileSync(`${both}/a`, 'utf8'), readFileSync(`${both}/b`, 'utf8')], ['a1', 'b2']);
  const missing = `${repository}:none`;
  await good(machine.pull('both', `--merge=ours=${missing}`, '--optional', '--', missing, theirs));
  const side = await good(machine.pull('both', `--merge=ours=${one}`, '--', one, tag));
  assert.equal(side.stderr.includes('decided'), false);
  const refused = await machine.pull('both', `--merge=ours=${missing}`, '--optional', '--', missing, one, theirs);
  assert.match(refused.stderr, /changed the same paths differently: a\./);
});

test('after a policy has decided, a push sends only where the layers laid over each other are something else', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const repository = `${registry.host}/team/app`;
  const images = await fork(machine, repository, {
    // A file in place of a folder that the other one still uses.
    one: (folder) => {
      rmSync(`${folder}/d`, { recursive: true });
      fill(folder, { a: 'a1', d: 'a file' });
    },
    two: (folder) => fill(folder, { a: 'a2', 'd/x': 'x2', new: 'n' }),
  });
  const expected = { first: ['a', 'b', 'd', 'new'], last: ['a', 'b', 'd', 'd/x', 'new'] };
  for (const order of [
    [images.one, images.two],
    [images.two, images.one],
  ] as const) {
    for (const policy of ['first', 'last', `ours=${images.one}`, `ours=${images.two}`]) {
      const sources = order.map(String);
      await good(machine.pull('both', `--merge=${policy}`, '--', ...sources));
      const both = machine.workspace('both');
      const wins = policy === 'first' ? order[0] : policy === 'last' ? order[1] : policy.slice('ours='.length);
      const what = `${policy} of ${wins === images.one ? 'one' : 'two'}`;
      assert.deepEqual(
        readdirSync(both, { recursive: true }).sort(),
        wins === images.one ? expected.first : expected.last,
        what,
      );
      const merged = await good(machine.push('both', `--target=${repository}`));
      assert.ok(Number(result(merged, 'layers')) <= 4, 'a base, what each has changed, and at most what differs');
      assert.ok(Number(result(merged, 'layers')) >= 3);
      await good(machine.pull('again', '--', result(merged, 'image')));
      assert.deepEqual(look(machine.workspace('again')), look(both), what);
    }
  }
});

test('an image that was made anew is merged with what goes on from the same image, also a push later', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const repository = `${registry.host}/team/app`;
  const images = await fork(machine, repository, {
    two: (folder) => {
      rmSync(`${folder}/b`);
      fill(folder, { a: 'a2' });
    },
  });
  await good(machine.pull('one', '--', images.base ?? ''));
  const one = machine.workspace('one');
  rmSync(`${one}/d/x`);
  fill(one, { new: 'n' });
  const anew = await good(machine.push('one', `--target=${repository}`, '--max-layers=1'));
  assert.equal(result(anew, 'layers'), '1');
  fill(one, { later: 'l' });
  const later = await good(machine.push('one', `--target=${repository}`));
  assert.equal(result(later, 'layers'), '2');
  for (const [image, more] of [
    [anew, []],
    [later, ['later']],
  ] as const) {
    await good(machine.pull('both', '--', result(image, 'image'), images.two ?? ''));
    const both = machine.workspace('both');
    assert.deepEqual(readdirSync(both, { recursive: true }).sort(), ['a', 'd', 'd/y', ...more, 'new']);
    assert.equal(readFileSync(`${both}/a`, 'utf8'), 'a2');
    const merged = await good(machine.push('both', `--target=${repository}`));
    await good(machine.pull('again', '--', result(merged, 'image')));
    assert.deepEqual(look(machine.workspace('again')), look(both));
    // And what goes on from one of the two.
    await good(machine.pull('two', '--', images.two ?? ''));
    fill(machine.workspace('two'), { third: 't' });
    const third = await good(machine.push('two', `--target=${repository}`));
    await good(machine.pull('three', '--', result(merged, 'image'), result(third, 'image')));
    const all = readdirSync(machine.workspace('three'), { recursive: true }).sort();
    assert.deepEqual(all, ['a', 'd', 'd/y', ...more, 'new', 'third']);
  }
});

test('two images that were made anew from the same one are merged by its layers, which the registry still has', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const repository = `${registry.host}/team/app`;
  const { base = '' } = await fork(machine, repository, {});
  const images: string[] = [];
  for (const [name, gone] of [
    ['one', 'a'],
    ['two', 'd/x'],
  ]) {
    await good(machine.pull(String(name), '--', base));
    rmSync(`${machine.workspace(String(name))}/${gone}`);
    const pushed = await good(machine.push(String(name), `--target=${repository}`, '--max-layers=1'));
    images.push(result(pushed, 'image'));
  }
  await good(machine.pull('both', '--', ...images));
  assert.deepEqual(readdirSync(machine.workspace('both'), { recursive: true }).sort(), ['b', 'd', 'd/y']);
});

test('an image and what was made of it are no conflict: the later one has it all', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const repository = `${registry.host}/team/app`;
  const images = await fork(machine, repository, { one: (folder) => fill(folder, { a: 'a1' }) });
  const pulled = await good(machine.pull('both', '--', images.base ?? '', images.one ?? '', images.one ?? '', ''));
  assert.equal(result(pulled, 'image'), images.one);
  // Made anew: no layer of it tells what it was made of.
  rmSync(`${machine.workspace('both')}/a`);
  const anew = await good(machine.push('both', `--target=${repository}:anew`, '--max-layers=1'));
  assert.equal(result(anew, 'layers'), '1');
  const again = await good(machine.pull('all', '--', images.one ?? '', result(anew, 'image')));
  assert.equal(result(again, 'image'), result(anew, 'image'));
  assert.ok(!existsSync(`${machine.workspace('all')}/a`), 'what was removed does not come back');
});

test('what an image made anew was merged of long ago is not merged with it again, whatever else is', async () => {
  await using machine = await makeMachine();
  const target = `--target=oci:${machine.path}/images`;
  const pushed = async (name: string, ...flags: string[]): Promise<string> =>
    result(await good(machine.push(name, target, ...flags)), 'image');
  machine.workspace('one', { old: '1', a: '1' });
  const one = await pushed('one');
  const work = machine.workspace('two', { b: '2' });
  const two = await pushed('two');
  await good(machine.pull('work', '--', one, two));
  await pushed('work');
  rmSync(`${machine.workspace('work')}/old`);
  const anew = await pushed('work', '--max-layers=1');
  fill(work, { c: '3' });
  const later = await pushed('two');
  await good(machine.pull('all', '--', one, anew, later));
  assert.deepEqual(readdirSync(machine.workspace('all')), ['a', 'b', 'c']);
});

test('by tag alone: parallel pushes are all kept, and the push after a merge stands for all of them', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const target = `${registry.host}/team/app:build`;
  machine.workspace('base', { a: 'a0' });
  await good(machine.push('base', `--target=${target}`));
  for (const name of ['one', 'two', 'three']) {
    await good(machine.pull(name, '--', target));
    fill(machine.workspace(name), { [name]: name });
  }
  for (const name of ['one', 'two', 'three']) await good(machine.push(name, `--target=${target}`));
  const pulled = await good(machine.pull('all', '--', target));
  assert.deepEqual(readdirSync(machine.workspace('all')).sort(), ['a', 'one', 'three', 'two']);
  assert.ok(Array.isArray(pulled.results.sources) && pulled.results.sources.length === 3);
  const merged = await good(machine.push('all', `--target=${target}`));
  assert.equal(result(await good(machine.pull('later', '--', target)), 'image'), result(merged, 'image'));
});
