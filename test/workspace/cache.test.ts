import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Layout } from '../../runtime/oci/layout.ts';
import { readImage } from '../../runtime/oci/platform.ts';
import { Registry } from '../../runtime/oci/registry.ts';
import { look } from '../archive/support.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { ended, fill, good, type Machine, makeMachine, type Outcome, result } from './support.ts';

const lockKey = '--key=npm-{hash package-lock.json}';
const modules = '--include=node_modules/';

/** A step as a process of its own, with a memory of its own where it is another pod. */
function run(machine: Machine, step: 'push' | 'pull', workspace: string, ...flags: string[]): Promise<Outcome> {
  return ended(machine.start(step, workspace, ...flags));
}

function project(machine: Machine, name: string, lock = 'one'): string {
  return machine.workspace(name, { 'package-lock.json': lock, 'src/main.ts': 'main' });
}

describe('a cache', () => {
  for (const kind of ['registry', 'folder'] as const) {
    test(`in a ${kind}: miss, save, then a hit in another pod; what is beside it stays`, async () => {
      await using registry = await FakeRegistry.start();
      await using first = await makeMachine();
      await using second = await makeMachine();
      const place = kind === 'registry' ? `${registry.host}/team/cache` : `oci:${first.path}/caches`;
      const source = project(first, 'source');
      const miss = await good(run(first, 'pull', 'source', lockKey, '--', place));
      assert.deepEqual([result(miss, 'cache'), result(miss, 'matched-key'), result(miss, 'image')], ['miss', '', '']);
      assert.match(result(miss, 'key'), /^npm-[0-9a-f]{40}$/);
      fill(source, { 'node_modules/a/index.js': 'a', 'node_modules/.bin/a': '#!', 'dist/app.js': 'no part of it' });
      symlinkSync('../a/index.js', `${source}/node_modules/.bin/link`);
      const saved = await good(run(first, 'push', 'source', lockKey, modules, `--target=${place}`));
      assert.deepEqual([result(saved, 'cache'), result(saved, 'key')], ['saved', result(miss, 'key')]);
      assert.match(result(saved, 'IMAGE_URL'), /:cache\.npm-[0-9a-f]{40}$/);

      const other = project(second, 'other');
      const hit = await good(run(second, 'pull', 'other', lockKey, '--', place));
      assert.deepEqual([result(hit, 'cache'), result(hit, 'matched-key')], ['hit', result(miss, 'key')]);
      assert.equal(result(hit, 'image'), result(saved, 'image'));
      assert.deepEqual(look(`${other}/node_modules`), look(`${source}/node_modules`));
      assert.deepEqual(readdirSync(other).sort(), ['node_modules', 'package-lock.json', 'src']);
      assert.equal(readFileSync(`${other}/src/main.ts`, 'utf8'), 'main');
    });
  }

  test('that was pulled is not pushed again by the same pod: nobody is asked', async () => {
    await using registry = await FakeRegistry.start();
    await using machine = await makeMachine();
    const place = `${registry.host}/cache`;
    project(machine, 'source');
    fill(machine.workspace('source'), { 'node_modules/a': 'a' });
    const saved = await good(run(machine, 'push', 'source', lockKey, modules, `--target=${place}`));
    await good(run(machine, 'pull', 'source', lockKey, '--', place));
    fill(machine.workspace('source'), { 'node_modules/b': 'b', 'package-lock.json': 'changed by the work' });
    const before = registry.requests.length;
    const again = await good(run(machine, 'push', 'source', lockKey, modules, `--target=${place}`));
    assert.deepEqual([result(again, 'cache'), result(again, 'image')], ['there', result(saved, 'image')]);
    assert.match(again.stderr, /is what was pulled: not pushed/);
    assert.equal(registry.requests.length, before);
  });

  test('is saved under the key of the pull, whatever the work makes of the files', async () => {
    await using machine = await makeMachine();
    const place = `oci:${machine.path}/caches`;
    const source = project(machine, 'source');
    const miss = await good(run(machine, 'pull', 'source', lockKey, '--', place));
    fill(source, { 'node_modules/a': 'a', 'package-lock.json': 'changed by the work' });
    const saved = await good(run(machine, 'push', 'source', lockKey, modules, `--target=${place}`));
    assert.equal(result(saved, 'key'), result(miss, 'key'));
    assert.match(saved.stderr, /the files of the key have changed since the pull: its key counts/);
    const next = await good(run(machine, 'push', 'source', lockKey, modules, `--target=${place}`));
    assert.notEqual(result(next, 'key'), result(miss, 'key'), 'what one push was told is not for the next one');
  });

  test('is never overwritten by another content under the same key', async () => {
    await using registry = await FakeRegistry.start();
    await using first = await makeMachine();
    await using second = await makeMachine();
    const target = `--target=${registry.host}/cache`;
    first.workspace('source', { a: 'first' });
    second.workspace('source', { a: 'second' });
    const saved = await good(run(first, 'push', 'source', '--key=fixed', target));
    const late = await good(run(second, 'push', 'source', '--key=fixed', target));
    assert.deepEqual([result(late, 'cache'), result(late, 'image')], ['there', result(saved, 'image')]);
    assert.match(late.stderr, /cache fixed is in .* already: not pushed/);
    await good(run(second, 'pull', 'files', '--key=fixed', '--', `${registry.host}/cache`));
    assert.equal(readFileSync(`${second.path}/files/a`, 'utf8'), 'first');
  });

  test('saved by somebody else while one is sent: the first one stays', async () => {
    const held = Promise.withResolvers<void>();
    const sending = Promise.withResolvers<void>();
    let hold = true;
    await using registry = await FakeRegistry.start({
      async intercept(request) {
        if (!hold || (request.method !== 'POST' && request.method !== 'PUT' && request.method !== 'PATCH'))
          return false;
        hold = false;
        sending.resolve();
        await held.promise;
        return false;
      },
    });
    await using slow = await makeMachine();
    await using quick = await makeMachine();
    const target = `--target=${registry.host}/cache`;
    slow.workspace('source', { a: 'slow' });
    quick.workspace('source', { a: 'quick' });
    const running = run(slow, 'push', 'source', '--key=fixed', target);
    await sending.promise;
    const winner = await good(run(quick, 'push', 'source', '--key=fixed', target));
    held.resolve();
    const loser = await good(running);
    assert.equal(result(winner, 'cache'), 'saved');
    assert.deepEqual([result(loser, 'cache'), result(loser, 'image')], ['there', result(winner, 'image')]);
    assert.match(loser.stderr, /cache fixed was saved by somebody else meanwhile: theirs stays/);
  });

  test('saved by many at once into one folder: one wins, and all of them say which', async () => {
    await using machine = await makeMachine();
    const place = `oci:${machine.path}/caches`;
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) machine.workspace(name, { content: name });
    const runs = names.map((name) => good(run(machine, 'push', name, '--key=fixed', `--target=${place}`)));
    const outcomes = await Promise.all(runs);
    assert.equal(outcomes.filter((outcome) => result(outcome, 'cache') === 'saved').length, 1);
    assert.equal(new Set(outcomes.map((outcome) => result(outcome, 'image'))).size, 1);
  });

  test('in a registry whose tags cannot be moved: what was there first stays', async () => {
    let planted = false;
    await using registry = await FakeRegistry.start({
      async intercept(request, response) {
        // Somebody else comes in between, and this registry refuses to move a tag, as ECR does.
        if (planted || request.method !== 'PUT' || request.url?.includes('/manifests/cache.') !== true) return false;
        planted = true;
        const other = await makeMachine();
        other.workspace('source', { a: 'other' });
        await good(run(other, 'push', 'source', '--key=fixed', `--target=${registry.host}/cache`));
        await other[Symbol.asyncDispose]();
        request.resume();
        await once(request, 'end');
        response.writeHead(400, { 'content-type': 'application/json' });
        response.end('{"errors":[{"code":"TAG_INVALID","message":"the tag is immutable"}]}');
        return true;
      },
    });
    await using machine = await makeMachine();
    machine.workspace('source', { a: 'mine' });
    const late = await good(run(machine, 'push', 'source', '--key=fixed', `--target=${registry.host}/cache`));
    assert.equal(result(late, 'cache'), 'there');
  });
});

describe('--restore-keys', () => {
  test('take the newest cache whose key begins so; the first one that has any counts; then it is saved anew', async () => {
    await using registry = await FakeRegistry.start();
    await using machine = await makeMachine();
    const place = `${registry.host}/cache`;
    for (const [lock, content] of Object.entries({ z: 'oldest', a: 'newest' })) {
      const name = `made-${lock}`;
      fill(project(machine, name, lock), { 'node_modules/a': content });
      await good(run(machine, 'push', name, lockKey, modules, `--target=${place}`));
    }
    machine.workspace('other', { 'node_modules/a': 'go' });
    await good(run(machine, 'push', 'other', '--key=go-1', `--target=${place}`));
    const source = project(machine, 'source', 'changed');
    const pulled = await good(run(machine, 'pull', 'source', lockKey, '--restore-keys=yarn-,npm-,go-', '--', place));
    assert.equal(result(pulled, 'cache'), 'partial');
    assert.match(result(pulled, 'matched-key'), /^npm-/);
    assert.notEqual(result(pulled, 'matched-key'), result(pulled, 'key'));
    assert.equal(readFileSync(`${source}/node_modules/a`, 'utf8'), 'newest');
    const saved = await good(run(machine, 'push', 'source', lockKey, modules, `--target=${place}`));
    assert.deepEqual([result(saved, 'cache'), result(saved, 'key')], ['saved', result(pulled, 'key')]);
    const none = await good(run(machine, 'pull', 'source', '--key=x', '--restore-keys=y-', '--', place));
    assert.equal(result(none, 'cache'), 'miss');
    assert.match(none.stderr, /no cache x, and none that begins with y-/);
  });
});

describe('a key', () => {
  test('that is no tag, or too long for one, is found again, also by its beginning', async () => {
    await using machine = await makeMachine();
    const place = `oci:${machine.path}/caches`;
    const odd = ['feature/ä: 1', `long-${'x'.repeat(200)}`, 'cache-sha256.x'];
    for (const [i, key] of odd.entries()) {
      machine.workspace(`source-${i}`, { which: key });
      await good(run(machine, 'push', `source-${i}`, `--key=${key}`, `--target=${place}`));
    }
    for (const key of odd) {
      const hit = await good(run(machine, 'pull', 'files', `--key=${key}`, '--', place));
      assert.equal(result(hit, 'cache'), 'hit');
      assert.equal(readFileSync(`${machine.path}/files/which`, 'utf8'), key);
      const restore = `--restore-keys=${key.slice(0, -1)}`;
      const partial = await good(run(machine, 'pull', 'files', '--key=none', restore, '--', place));
      assert.equal(result(partial, 'matched-key'), key);
    }
    const layout = await Layout.open(`${machine.path}/caches`);
    const annotations = [];
    for (const tag of await layout.listTags()) {
      assert.match(tag, /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/);
      annotations.push((await readImage(layout, tag)).value.annotations?.['subpipe.dev/cache-key']);
    }
    assert.deepEqual(annotations.sort(), [...odd].sort());
  });

  test('changes with the content and the paths of files that match, and with nothing else', async () => {
    await using machine = await makeMachine();
    const place = `oci:${machine.path}/caches`;
    const files = { 'go.sum': 'a', 'sub/go.sum': 'b', 'sub/package-lock.json': 'p', 'with space': 's' };
    const source = machine.workspace('source', files);
    const keyOf = async (text: string) =>
      result(await good(machine.pull('source', `--key=${text}`, '--', place)), 'key');
    const top = await keyOf('{hash go.sum}');
    const all = await keyOf('{hash **/go.sum}');
    const without = await keyOf('{hash **/go.sum !sub}');
    assert.notEqual(top, all);
    assert.equal(top, without);
    assert.equal(await keyOf('{hash go.sum go.sum "with space" !with*}'), top);
    assert.notEqual(await keyOf('{hash sub}'), await keyOf('{hash sub/go.sum}'), 'a folder is all that is in it');
    symlinkSync('go.sum', `${source}/link`);
    assert.notEqual(await keyOf('{hash link}'), await keyOf('{hash go.sum}'));
    assert.notEqual(await keyOf('{hash "with space"}'), top);
    assert.equal(
      await keyOf('go-{os}-{arch}'),
      `go-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`,
    );
    fill(source, { '.ociignore': 'go.sum', 'GO.SUM': 'another file' });
    assert.equal(await keyOf('{hash **/go.sum}'), all, 'what images leave out counts, other names do not');
    fill(source, { 'sub/go.sum': 'c' });
    assert.notEqual(await keyOf('{hash **/go.sum}'), all);
    assert.equal(await keyOf('{hash go.sum}'), top);
    const elsewhere = machine.workspace('elsewhere');
    const flags = ['--key={hash go.sum}', `--key-folder=${source}`, '--', place];
    assert.equal(result(await good(machine.pull('elsewhere', ...flags)), 'key'), top);
    assert.deepEqual(readdirSync(elsewhere), []);
  });

  test('that is none is an error that says what was expected', async () => {
    await using machine = await makeMachine();
    const place = `oci:${machine.path}/caches`;
    machine.workspace('source', { a: 'a' });
    const wrong: [string[], RegExp][] = [
      [['--key={hash nothing.lock}', '--', place], /--key has \{hash nothing\.lock\}, but no file in .*source matches/],
      [['--key={hash}', '--', place], /--key has \{hash\}: expected \{hash PATTERN …\}, \{os\} or \{arch\}/],
      [['--key=a{', '--', place], /--key is "a\{": a brace is alone/],
      [['--key=$(params.key)', '--', place], /Tekton has not replaced \$\(params\.key\)/],
      [['--key=a,b', '--', place], /--key is "a,b": expected 1 to 512 characters without commas/],
      [['--key=a', '--', `${place}:tag`], /--sources is .*: with --key, expected .* without a tag or digest/],
      [['--key=a'], /--key has no caches to look in: expected a repository in --sources/],
      [['--key=a', '--base=x', '--', place], /--base and --key are both given/],
      [['--restore-keys=a', '--', place], /--restore-keys is given, but no --key/],
    ];
    for (const [flags, message] of wrong) {
      const outcome = await machine.pull('source', ...flags);
      assert.deepEqual([outcome.code, message.test(outcome.stderr)], [2, true], outcome.stderr);
    }
    const pushed = await machine.push('source', '--key=a', `--target=${place}:tag`);
    assert.match(pushed.stderr, /--target is .*: with --key, expected .* without a tag or digest/);
    const tags = await machine.push('source', '--key=a', `--target=${place}`, '--tags=x');
    assert.match(tags.stderr, /--tags and --key are both given: a cache has no tags, leave one out/);
  });
});

describe('what a cache is put over', () => {
  test('stays but for what the cache has; --paths takes a part of it; links are replaced, not followed', async () => {
    await using machine = await makeMachine();
    const place = `oci:${machine.path}/caches`;
    const cached = { 'node_modules/a/index.js': 'cached', 'node_modules/b/index.js': 'cached', '.m2/x.jar': 'jar' };
    machine.workspace('made', cached);
    await good(run(machine, 'push', 'made', '--key=k', `--target=${place}`));
    const source = machine.workspace('source', {
      'node_modules/a/index.js': 'old',
      'node_modules/own/index.js': 'own',
    });
    const outside = machine.workspace('outside');
    symlinkSync(outside, `${source}/.m2`);
    symlinkSync(outside, `${source}/node_modules/b`);
    await good(run(machine, 'pull', 'source', '--key=k', '--paths=node_modules/a', '--', place));
    assert.equal(readFileSync(`${source}/node_modules/a/index.js`, 'utf8'), 'cached');
    assert.deepEqual(readdirSync(outside), []);
    const all = await good(run(machine, 'pull', 'source', '--key=k', '--', place));
    assert.deepEqual(readdirSync(outside), [], all.stderr);
    for (const [name, content] of Object.entries(cached))
      assert.equal(readFileSync(`${source}/${name}`, 'utf8'), content);
    assert.equal(readFileSync(`${source}/node_modules/own/index.js`, 'utf8'), 'own');
    assert.deepEqual(readdirSync(source).sort(), ['.m2', 'node_modules']);
  });

  test('is as it was where the cache is damaged', async () => {
    await using machine = await makeMachine();
    const place = `oci:${machine.path}/caches`;
    machine.workspace('made', { a: 'cached', 'd/b': 'cached' });
    const saved = await good(run(machine, 'push', 'made', '--key=k', `--target=${place}`));
    const layout = await Layout.open(`${machine.path}/caches`);
    const { value } = await readImage(layout, result(saved, 'IMAGE_DIGEST'));
    const blob = `${machine.path}/caches/blobs/${value.layers[0]?.digest.replace(':', '/')}`;
    const bytes = readFileSync(blob);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    rmSync(blob);
    writeFileSync(blob, bytes);
    const source = machine.workspace('source', { a: 'own', 'd/own': 'own' });
    const before = look(source);
    const failed = await run(machine, 'pull', 'source', '--key=k', '--', place);
    assert.equal(failed.code, 1, failed.stderr);
    assert.deepEqual(look(source), before);
  });

  test('a workspace that was pulled: its own push sees the cache as a change', async () => {
    await using machine = await makeMachine();
    const place = `oci:${machine.path}/caches`;
    const target = `--target=oci:${machine.path}/images:x`;
    machine.workspace('made', { 'node_modules/a': 'a' });
    await good(machine.push('made', '--key=k', `--target=${place}`));
    project(machine, 'origin');
    const image = result(await good(machine.push('origin', target)), 'image');
    await good(machine.pull('source', '--', image));
    await good(machine.pull('source', '--key=k', '--', place));
    const more = await good(machine.push('source', target, '--dry-run'));
    assert.match(more.stdout, /^write node_modules\/\nwrite node_modules\/a\n\{/);
    const same = await good(machine.push('source', target, '--exclude=node_modules/'));
    assert.match(same.stderr, /nothing changed/);
    assert.equal(result(same, 'image'), image);
    const next = await good(machine.push('source', target));
    assert.deepEqual([result(next, 'layers'), result(next, 'changed-files')], ['2', '1']);
  });

  test('of one key is not that of another: each push knows what its own pull has found', async () => {
    await using machine = await makeMachine();
    const place = `oci:${machine.path}/caches`;
    const target = `--target=${place}`;
    machine.workspace('made', { 'one/a': 'a', 'two/b': 'b' });
    await good(machine.push('made', '--key=one', '--include=one/', target));
    machine.workspace('source');
    await good(machine.pull('source', '--key=one', '--', place));
    await good(machine.pull('source', '--key=two', '--', place));
    const one = await good(machine.push('source', '--key=one', '--include=one/', target));
    assert.match(one.stderr, /is what was pulled: not pushed/);
    const two = await good(machine.push('source', '--key=two', '--include=one/', target));
    assert.equal(result(two, 'cache'), 'saved');
  });
});

test('a cache has what .ociignore names; of nothing no cache is made; --dry-run saves none', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const place = `${registry.host}/cache`;
  const source = machine.workspace('source', { '.ociignore': 'node_modules/\n', 'node_modules/a': 'a' });
  const dry = await good(run(machine, 'push', 'source', '--key=k', modules, `--target=${place}`, '--dry-run'));
  assert.match(dry.stdout, /^write node_modules\/\nwrite node_modules\/a\n/);
  const target = await Registry.open({ registry: registry.host, repository: 'cache' });
  assert.deepEqual(await target.listTags(), []);
  await good(run(machine, 'push', 'source', '--key=k', modules, `--target=oci:${machine.path}/none`, '--dry-run'));
  assert.equal(existsSync(`${machine.path}/none`), false);
  await good(run(machine, 'push', 'source', '--key=k', modules, `--target=${place}`));
  mkdirSync(`${source}/empty`);
  const pulled = await good(run(machine, 'pull', 'empty', '--key=k', '--', place));
  assert.equal(result(pulled, 'cache'), 'hit');
  assert.equal(readFileSync(`${machine.path}/empty/node_modules/a`, 'utf8'), 'a');
  const none = await good(run(machine, 'push', 'source', '--key=other', '--include=vendor/', `--target=${place}`));
  assert.equal(result(none, 'cache'), 'empty');
  assert.match(none.stderr, /there is nothing to save for the cache other: nothing matches --include/);
  assert.deepEqual(await target.listTags(), ['cache.k']);
});
