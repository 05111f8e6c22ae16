import assert from 'node:assert/strict';
import { utimesSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Layout } from '../../runtime/oci/layout.ts';
import { mediaTypes } from '../../runtime/oci/manifest.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { fill, good, type Machine } from '../workspace/support.ts';
import { imageOf, output, taskMachine, workspace } from './workspace.ts';

/** Digests of pushes to a target, each made from the one before, the first one first. */
async function pushInTurn(machine: Machine, target: string, count: number, ...flags: string[]): Promise<string[]> {
  const digests: string[] = [];
  const at = machine.workspace('turn');
  for (let i = 0; i < count; i++) {
    fill(at, { [`file-${i}`]: String(i) });
    const image = imageOf(await machine.push('turn', `--target=${target}`, ...flags));
    digests.push(image.slice(image.indexOf('@') + 1));
  }
  return digests;
}

function announced(tag: string, digest = ''): string {
  return `${tag}.${digest.slice('sha256:'.length, 'sha256:'.length + 24)}`;
}

async function tagsOf(machine: Machine, folder = 'images'): Promise<string[]> {
  return (await Layout.open(path.join(machine.path, folder))).listTags();
}

describe('subpipe workspace gc', () => {
  it('removes what others were made from, and lists it first where asked to', async () => {
    await using machine = await taskMachine('build');
    const target = `oci:${machine.path}/images:main`;
    const [a, b, c] = await pushInTurn(machine, target, 3);
    machine.workspace('side', { other: 'o' });
    await good(machine.push('side', `--target=${target}`));
    const before = await tagsOf(machine);
    assert.equal(before.length, 5);
    const listed = await output(machine, 'gc', target, '--dry-run');
    assert.deepEqual(await tagsOf(machine), before, 'a dry run removes nothing');
    const rows = listed
      .trim()
      .split('\n')
      .map((line) => line.split(/ +/));
    assert.deepEqual(
      rows.map(([tag, , reason]) => [tag, reason]),
      [
        [announced('main', a), 'superseded'],
        [announced('main', b), 'superseded'],
      ],
      'the oldest goes first: what is cut off half way is not gathered again',
    );
    assert.equal(await output(machine, 'gc', target), listed);
    const left = await tagsOf(machine);
    assert.equal(left.length, 3);
    assert.ok(left.includes(announced('main', c)));
    const content = 'file-0\nfile-1\nfile-2\nother\n';
    assert.equal(await output(machine, 'ls', target), content, 'the next pull has all of it');
    assert.equal(await output(machine, 'gc', target), '');
  });

  it('keeps the last ones, and what is younger', async () => {
    await using machine = await taskMachine('build');
    const target = `oci:${machine.path}/images:main`;
    const [a, b, c] = await pushInTurn(machine, target, 3);
    const kept = await output(machine, 'gc', target, '--keep', '2');
    assert.match(kept, new RegExp(`^${announced('main', a)} .* superseded\n$`));
    assert.deepEqual(await tagsOf(machine), ['main', announced('main', b), announced('main', c)].sort());
    const [all] = await Promise.all([output(machine, 'gc', target, '--older-than', '1h')]);
    assert.match(all, new RegExp(`^${announced('main', b)} .* superseded\n$`));
    const long = new Date(Date.now() - 3 * 86_400_000);
    utimesSync(path.join(machine.path, 'images/blobs/sha256', (c ?? '').slice('sha256:'.length)), long, long);
    assert.equal(await output(machine, 'gc', target, '--older-than', '2d', '--keep', '1'), '');
    assert.match(await output(machine, 'gc', target, '--older-than', '2d'), /main +\S+ +made 3d ago/);
    assert.deepEqual(await tagsOf(machine), []);
  });

  it('removes what its label says has expired, and leaves tags that people gave to others', async () => {
    await using registry = await FakeRegistry.start();
    await using machine = await taskMachine('build');
    const repository = `${registry.host}/team/app`;
    machine.workspace('old', { old: 'o' });
    machine.workspace('new', { new: 'n' });
    machine.workspace('plain', { plain: 'p' });
    const flags = ['--record=run', '--expires-after=1s'];
    await good(machine.push('old', `--target=${repository}:old`, ...flags));
    machine.workspace('artifact', { a: 'a' });
    await good(machine.push('artifact', `--target=${repository}:artifact`, '--artifact=true', ...flags));
    await good(machine.push('new', `--target=${repository}:new`, '--record=run', '--expires-after=2w'));
    await good(machine.push('plain', `--target=${repository}:ageless`, '--record=none', '--expires-after=1s'));
    await good(machine.push('new', `--target=${repository}`));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const { code, stdout, stderr } = await workspace(machine, 'gc', repository, '-o', 'json');
    assert.equal(code, 0, stderr);
    const removed: { tag: string; reason: string }[] = JSON.parse(stdout);
    assert.deepEqual(removed.map(({ tag }) => tag.replace(/\..*/, '')).sort(), ['artifact', 'artifact', 'old', 'old']);
    assert.match(removed[0]?.reason ?? '', /^expired \d+s ago$/);
    assert.match(stderr, /2 of the tags may have expired, but their images do not say when they were made/);
    assert.match(await output(machine, 'ls', `${repository}:new`), /^new\n$/);
    assert.equal((await workspace(machine, 'ls', `${repository}:old`)).code, 1);
  });

  it('does not take pushes without a tag for superseded: Tasks use them by digest', async () => {
    await using machine = await taskMachine('build');
    await pushInTurn(machine, `oci:${machine.path}/images`, 3);
    assert.equal(await output(machine, 'gc', `oci:${machine.path}/images`), '');
    assert.equal((await tagsOf(machine)).length, 3);
  });

  it('removes by digest where tags cannot be deleted, but nothing that another tag or index needs', async () => {
    await using registry = await FakeRegistry.start({ quirks: { deletion: 'digest' } });
    await using machine = await taskMachine('build');
    const target = `${registry.host}/team/app:main`;
    const at = machine.workspace('a', { one: '1' });
    const tagged = imageOf(await machine.push('a', `--target=${target}`, '--tags=release'));
    fill(at, { two: '2' });
    const indexed = imageOf(await machine.push('a', `--target=${target}`));
    const digest = indexed.slice(indexed.indexOf('@') + 1);
    const index = {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [{ mediaType: mediaTypes.manifest, digest, size: 1 }],
    };
    registry.plantManifest('team/app', 'index', mediaTypes.index, Buffer.from(JSON.stringify(index)));
    for (const name of ['three', 'four']) {
      fill(at, { [name]: name });
      await good(machine.push('a', `--target=${target}`));
    }
    const { code, stdout, stderr } = await workspace(machine, 'gc', target);
    assert.equal(code, 0, stderr);
    assert.equal(stdout.trim().split('\n').length, 1, stdout);
    assert.match(stderr, /stays: the registry deletes no tag without its manifest, which release needs/);
    assert.match(stderr, /stays: the registry deletes no tag without its manifest, which index needs/);
    for (const image of [tagged, indexed]) assert.match(await output(machine, 'ls', image), /one/);
    assert.match(await output(machine, 'ls', target), /four\none\nthree\ntwo/);
  });

  it('says in a sentence that a registry does not delete', async () => {
    await using registry = await FakeRegistry.start({ quirks: { deletion: 'none' } });
    await using machine = await taskMachine('build');
    const target = `${registry.host}/team/app:main`;
    await pushInTurn(machine, target, 2);
    const { code, stdout, stderr } = await workspace(machine, 'gc', target);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /does not delete, neither tags nor manifests: main\.\S+ stays\. Allow it there/);
    assert.equal((await workspace(machine, 'gc', target, '--dry-run')).code, 0);
  });

  it('refuses what it does not understand', async () => {
    await using machine = await taskMachine('build');
    const cases: [string[], RegExp][] = [
      [['gc', 'a/b', '--older-than=soon'], /--older-than must be an age such as 12h, 3d or 2w, but is "soon"/],
      [['gc', 'a/b', '--keep=-1'], /--keep must be a whole number of at least 0, but is "-1"/],
      [['gc', `a/b@sha256:${'0'.repeat(64)}`], /has a digest: expected REPO/],
      [['gc'], /expected REF, but nothing came/],
      [['diff', 'a'], /expected BEFORE AFTER, but 1 words came: a/],
      [['ls', 'a', 'b', '-o', 'yaml'], /--output must be json, but is "yaml"/],
      [['rm'], /there is no command "workspace rm": expected ls, diff, log, gc, push, pull/],
    ];
    for (const [argv, expected] of cases) {
      const { code, stderr, stdout } = await workspace(machine, ...argv);
      assert.deepEqual([code, stdout], [2, ''], argv.join(' '));
      assert.match(stderr, expected);
    }
  });
});
