import assert from 'node:assert/strict';
import { chmodSync, closeSync, linkSync, openSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { loadLibc } from '../../runtime/archive/libc.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { fill, good } from '../workspace/support.ts';
import { imageOf, output, taskMachine, workspace } from './workspace.ts';

describe('subpipe workspace ls', () => {
  it('lists a folder of a layout, with modes, sizes and where links point', async () => {
    await using machine = await taskMachine('clone');
    const at = machine.workspace('a', { 'src/main.ts': 'hello', 'src/deep/x': '', README: 'read' });
    symlinkSync('src/main.ts', path.join(at, 'link'));
    linkSync(path.join(at, 'README'), path.join(at, 'src/again'));
    chmodSync(path.join(at, 'README'), 0o4755);
    const target = `oci:${machine.path}/images:try`;
    await good(machine.push('a', `--target=${target}`));
    assert.equal(await output(machine, 'ls', target), 'README\nlink\nsrc/\n');
    assert.equal(await output(machine, 'ls', target, './src/'), 'again\ndeep/\nmain.ts\n');
    const all = 'README\nlink\nsrc/\nsrc/again\nsrc/deep/\nsrc/deep/x\nsrc/main.ts\n';
    assert.equal(await output(machine, 'ls', target, '-R'), all);
    const long = await output(machine, 'ls', '-l', target);
    assert.match(long, /^-rwsr-xr-x {2}0:0 {2}4 {2}\S+Z? {2}README$/m);
    assert.match(long, /^lrwxrwxrwx .* link -> src\/main\.ts$/m);
    assert.match(await output(machine, 'ls', '-l', target, 'src'), /4 {2}\S+ {2}again = README$/m);
    const [file] = JSON.parse(await output(machine, 'ls', target, 'src/main.ts', '-o', 'json'));
    assert.deepEqual([file.path, file.type, file.size, file.mode], ['src/main.ts', 'file', 5, '0644']);
  });

  it('lists what the layers together have: without what was removed', async () => {
    await using registry = await FakeRegistry.start();
    await using machine = await taskMachine('clone');
    const at = machine.workspace('a', { 'old/one': '1', 'old/two': '2', keep: 'k', turn: 't' });
    const first = imageOf(await machine.push('a', `--target=${registry.host}/team/app`));
    rmSync(path.join(at, 'old'), { recursive: true });
    rmSync(path.join(at, 'turn'));
    fill(at, { 'turn/inside': 'now a folder', 'new/three': '3' });
    const second = imageOf(await machine.push('a', `--target=${registry.host}/team/app`));
    assert.equal(await output(machine, 'ls', '-R', second), 'keep\nnew/\nnew/three\nturn/\nturn/inside\n');
    assert.equal(await output(machine, 'ls', '-R', first), 'keep\nold/\nold/one\nold/two\nturn\n');
  });

  it('downloads for a path only the layers that may have something of it', async () => {
    await using registry = await FakeRegistry.start();
    await using machine = await taskMachine('clone');
    const at = machine.workspace('a', { 'big/one': 'x'.repeat(50_000) });
    await good(machine.push('a', `--target=${registry.host}/team/app`));
    fill(at, { 'small/two': '2' });
    const image = imageOf(await machine.push('a', `--target=${registry.host}/team/app`));
    registry.requests.length = 0;
    assert.equal(await output(machine, 'ls', image, 'small'), 'two\n');
    assert.equal(blobsRead(registry), 2, 'the config and one layer');
  });

  it('lists what was pushed to a tag side by side as one', async () => {
    await using registry = await FakeRegistry.start();
    await using machine = await taskMachine('clone');
    const target = `${registry.host}/team/app:build`;
    machine.workspace('a', { both: 'same', one: '1' });
    machine.workspace('b', { both: 'same', two: '2' });
    await good(machine.push('a', `--target=${target}`));
    await good(machine.push('b', `--target=${target}`));
    assert.equal(await output(machine, 'ls', target), 'both\none\ntwo\n');
    machine.workspace('c', { both: 'another' });
    await good(machine.push('c', `--target=${target}`));
    const { code, stderr } = await workspace(machine, 'ls', target);
    assert.equal(code, 1);
    assert.match(stderr, /changed the same paths differently: both/);
    assert.equal(await output(machine, 'ls', target, '--merge', 'first'), 'both\none\ntwo\n');
  });

  it('names the tags that there are, and what is not there', async () => {
    await using machine = await taskMachine('clone');
    machine.workspace('a', { one: '1' });
    await good(machine.push('a', `--target=oci:${machine.path}/images:main`));
    const tag = await workspace(machine, 'ls', `oci:${machine.path}/images:mian`);
    assert.equal(tag.code, 1);
    assert.match(tag.stderr, /has no tag "mian"\. It has main\.\n$/);
    const file = await workspace(machine, 'ls', `oci:${machine.path}/images:main`, 'nothing');
    assert.equal(file.code, 1);
    assert.match(file.stderr, /has no nothing\. Run subpipe workspace ls -R/);
    const folder = await workspace(machine, 'ls', `oci:${machine.path}/none:main`);
    assert.match(folder.stderr, /there is no folder/);
    assert.equal((await workspace(machine, 'ls', `oci:${machine.path}/images:main`, '../x')).code, 2);
  });
});

describe('subpipe workspace diff', () => {
  it('tells what was added, changed and removed, with sizes and modes', async () => {
    await using registry = await FakeRegistry.start();
    await using machine = await taskMachine('build');
    const at = machine.workspace('a', {
      'src/change': 'old',
      'src/mode': 'm',
      'gone/x': 'x',
      'gone/y': 'y',
      same: 's',
    });
    const first = imageOf(await machine.push('a', `--target=${registry.host}/team/app`));
    fill(at, { 'src/change': 'longer', 'src/new/file': 'n' });
    chmodSync(path.join(at, 'src/mode'), 0o755);
    rmSync(path.join(at, 'gone'), { recursive: true });
    const second = imageOf(await machine.push('a', `--target=${registry.host}/team/app`));
    const { code, stdout, stderr } = await workspace(machine, 'diff', first, second, '--exit-code');
    assert.equal(code, 1);
    assert.deepEqual(
      stdout.split('\n').map((line) => line.replace(/ +/g, ' ')),
      [
        'D gone/',
        'D 1 bytes gone/x',
        'D 1 bytes gone/y',
        'M 3 bytes -> 6 bytes src/change',
        'M 1 bytes src/mode (mode 0644 -> 0755)',
        'A src/new/',
        'A 1 bytes src/new/file',
        '',
      ],
    );
    assert.match(stderr, /2 added, 2 changed, 3 removed/);
    const back = JSON.parse(await output(machine, 'diff', second, first, '-o', 'json'));
    const changes = back.map((one: { change: string; path: string }) => `${one.change} ${one.path}`);
    assert.deepEqual(changes.slice(0, 3), ['added gone', 'added gone/x', 'added gone/y']);
    assert.deepEqual(changes.slice(5), ['removed src/new', 'removed src/new/file']);
    const same = await workspace(machine, 'diff', first, first, '--exit-code');
    assert.deepEqual([same.code, same.stdout], [0, '']);
    const missing = [first, `${registry.host}/team/app:missing`];
    const none = await workspace(machine, 'diff', ...missing, '--exit-code');
    assert.equal(none.code, 2, 'that differs, 1 would say');
    assert.match(none.stderr, /cannot be compared: .*team\/app has no tag "missing"\. It has no tags\.$/m);
    assert.equal((await workspace(machine, 'diff', ...missing)).code, 1);
  });

  it('tells that extended attributes changed, such as the capabilities of a program', {
    skip: loadLibc() === undefined ? 'node:ffi came with Node 26' : false,
  }, async (context) => {
    await using machine = await taskMachine('build');
    const at = machine.workspace('a', { 'bin/tool': 't', other: 'o' });
    linkSync(path.join(at, 'bin/tool'), path.join(at, 'bin/tool2'));
    const target = `oci:${machine.path}/images:main`;
    const first = imageOf(await machine.push('a', `--target=${target}`));
    const fd = openSync(path.join(at, 'bin/tool'), 'r+');
    const isSet = loadLibc()?.set(fd, 'user.note', Buffer.from('1'));
    closeSync(fd);
    if (isSet !== true) return context.skip('user.* cannot be set here: tmpfs before Linux 6.6, NFS before 4.2');
    const second = imageOf(await machine.push('a', `--target=${target}`));
    assert.match(
      await output(machine, 'diff', first, second),
      /^M +1 bytes +bin\/tool \(attributes\)\nM +1 bytes +bin\/tool2 \(attributes\)\n$/,
    );
    const [change] = JSON.parse(await output(machine, 'diff', first, second, '-o', 'json'));
    assert.deepEqual(change.what, ['attributes']);
  });

  it('downloads layers that both have only where they may have a path that differs', async () => {
    await using registry = await FakeRegistry.start();
    await using machine = await taskMachine('build');
    const at = machine.workspace('a', { 'lib/one': '1', 'src/two': '2' });
    await good(machine.push('a', `--target=${registry.host}/team/app`));
    fill(at, { 'docs/three': '3' });
    const second = imageOf(await machine.push('a', `--target=${registry.host}/team/app`));
    fill(at, { 'lib/four': '4' });
    const third = imageOf(await machine.push('a', `--target=${registry.host}/team/app`));
    registry.requests.length = 0;
    assert.match(await output(machine, 'diff', second, third), /^A +1 bytes +lib\/four\n$/, 'lib itself was there');
    assert.equal(blobsRead(registry), 3, 'two configs and the new layer');
    fill(at, { 'docs/three': 'three' });
    const fourth = imageOf(await machine.push('a', `--target=${registry.host}/team/app`));
    registry.requests.length = 0;
    assert.match(await output(machine, 'diff', third, fourth), /^M +1 bytes -> 5 bytes +docs\/three\n$/);
    assert.equal(blobsRead(registry), 4, 'two configs, the new layer, and the one that had the file');
  });

  it('compares images that have no layer in common', async () => {
    await using machine = await taskMachine('build');
    const target = `oci:${machine.path}/images`;
    machine.workspace('a', { same: 's', one: '1' });
    machine.workspace('b', { same: 's', two: '2' });
    const a = imageOf(await machine.push('a', `--target=${target}:a`, '--compression=gzip'));
    const b = imageOf(await machine.push('b', `--target=${target}:b`));
    assert.match(await output(machine, 'diff', a, b), /^D +1 bytes +one\nA +1 bytes +two\n$/);
  });
});

describe('subpipe workspace log', () => {
  it('tells by which Tasks a workspace was made, with merges and runs', async () => {
    await using registry = await FakeRegistry.start();
    const target = `${registry.host}/team/app:build`;
    await using clone = await taskMachine('clone', { SUBPIPE_PIPELINE_RUN: 'run-1', SUBPIPE_TASK_RUN: 'run-1-clone' });
    clone.workspace('a', { 'src/main': 'm' });
    const first = imageOf(await clone.push('a', `--target=${target}`, '--record=run'));
    const sides: string[] = [];
    for (const task of ['lint', 'unit']) {
      await using machine = await taskMachine(task);
      const at = machine.workspace('a');
      await good(machine.pull('a', `--sources=${first}`));
      fill(at, { [`reports/${task}`]: task });
      sides.push(imageOf(await machine.push('a', `--target=${target}`)));
    }
    await using last = await taskMachine('deploy');
    const at = last.workspace('a');
    await good(last.pull('a', `--sources=${target}`));
    fill(at, { done: 'd' });
    await good(last.push('a', `--target=${target}`));
    const lines = (await output(last, 'log', target)).split('\n');
    assert.match(lines[0] ?? '', /^\* sha256:[0-9a-f]{12} {2}deploy {2}1 layer, /);
    assert.match(lines[1] ?? '', /^\| {3}made from sha256:[0-9a-f]{12}, sha256:[0-9a-f]{12}$/);
    assert.match(lines[2] ?? '', /^\| {3}done$/);
    assert.equal(lines[3], '|\\');
    const tasks = lines.filter((line) => line.includes('*')).map((line) => /sha256:\S+ {2}(\S+)/.exec(line)?.[1]);
    assert.deepEqual([tasks[0], tasks.slice(1, 3).sort(), tasks[3]], ['deploy', ['lint', 'unit'], 'clone']);
    assert.ok(lines.includes('|/'), lines.join('\n'));
    assert.match(lines.at(-3) ?? '', /PipelineRun run-1, TaskRun run-1-clone/);
    const entries = JSON.parse(await output(last, 'log', target, '-o', 'json', '--files'));
    assert.deepEqual(entries[0].parents, sides.map((image) => image.slice(image.indexOf('@') + 1)).sort());
    assert.deepEqual(entries[0].files, { written: ['done'], removed: [] });
    assert.deepEqual([entries[3].task, entries[3].pipelineRun, entries[3].paths], ['clone', 'run-1', ['src/main']]);
    assert.ok(Date.parse(entries[3].created) > 0);
    assert.equal(JSON.parse(await output(last, 'log', target, '-o', 'json', '-n', '2')).length, 2);
  });

  it('tells by layers what Tasks in other repositories have done', async () => {
    await using registry = await FakeRegistry.start();
    await using clone = await taskMachine('clone');
    clone.workspace('a', { one: '1' });
    const first = imageOf(await clone.push('a', `--target=${registry.host}/team/first`));
    await using build = await taskMachine('build');
    const at = build.workspace('a');
    await good(build.pull('a', `--sources=${first}`));
    fill(at, { two: '2' });
    const second = imageOf(await build.push('a', `--target=${registry.host}/team/second`));
    const text = await output(build, 'log', second);
    assert.match(text, /^\* sha256:\S+ {2}build .*\n\| {3}two\n\* \(layers only\) {2}clone .*\n {4}one\n/);
  });

  it('ends after as many as were asked for, those of other repositories counted', async () => {
    await using registry = await FakeRegistry.start();
    await using machine = await taskMachine('build');
    const at = machine.workspace('a', { one: '1' });
    for (const repository of ['first', 'second']) {
      fill(at, { [repository]: '' });
      await good(machine.push('a', `--target=${registry.host}/team/${repository}:main`));
    }
    const count = async (...flags: string[]) =>
      JSON.parse(await output(machine, 'log', `${registry.host}/team/second:main`, '-o', 'json', ...flags)).length;
    assert.deepEqual([await count(), await count('-n', '1')], [2, 1]);
  });
});

describe('what others have written', () => {
  const odd = '\x1b]0;title\x07\n\u009b31mname é';
  const told = String.raw`\x1b]0;title\x07\x0a\x9b31mname é`;

  it('commands no terminal: names of files, Tasks and runs, commits and what layers say that they are about', async () => {
    await using machine = await taskMachine(odd);
    const target = `oci:${machine.path}/images:main`;
    const at = machine.workspace('a', { [odd]: '1' });
    symlinkSync(odd, path.join(at, 'link'));
    const run = JSON.stringify({ 'subpipe.dev/pipelineRun': odd, 'subpipe.dev/taskRun': odd });
    const first = imageOf(await machine.push('a', `--target=${target}`, `--annotations=${run}`, `--revision=${odd}`));
    fill(at, { new: 'n' });
    const second = imageOf(await machine.push('a', `--target=${target}`));
    const about = await output(machine, 'log', first);
    assert.ok(about.includes(`  ${told}  1 layer`), about);
    assert.ok(about.includes(`PipelineRun ${told}, TaskRun ${told}`) && about.includes(`commit ${told}`), about);
    const list = await output(machine, 'ls', second, '-l');
    assert.ok(list.includes(`  ${told}\n`) && list.includes(`link -> ${told}\n`), list);
    const commands = [
      ['log', second, '--files'],
      ['diff', first, second],
      ['ls', second, '-o', 'json'],
      ['log', second, '-o', 'json', '--files'],
    ];
    for (const text of [about, list, ...(await Promise.all(commands.map((argv) => output(machine, ...argv))))]) {
      assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}/u);
    }
  });

  it('is for machines what it was', async () => {
    await using machine = await taskMachine('build');
    const at = machine.workspace('a', { [odd]: '1' });
    symlinkSync(odd, path.join(at, 'link'));
    const target = `oci:${machine.path}/images:main`;
    const image = imageOf(await machine.push('a', `--target=${target}`));
    const [file, link] = JSON.parse(await output(machine, 'ls', image, '-o', 'json'));
    assert.deepEqual([file.path, link.target], [odd, odd]);
    const [push] = JSON.parse(await output(machine, 'log', image, '-o', 'json', '--files'));
    assert.deepEqual(push.files.written, [odd, 'link']);
    fill(at, { [odd]: '22' });
    const [change] = JSON.parse(
      await output(machine, 'diff', image, imageOf(await machine.push('a', `--target=${target}`)), '-o', 'json'),
    );
    assert.equal(change.path, odd);
  });
});

/** Blobs that were downloaded. */
function blobsRead({ requests }: FakeRegistry): number {
  return requests.filter((line) => /^GET .*\/blobs\/.* 200$/.test(line)).length;
}
