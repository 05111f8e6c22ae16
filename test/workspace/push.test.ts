import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import process from 'node:process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { readConfig } from '../../runtime/oci/config.ts';
import { readSmall } from '../../runtime/oci/copy.ts';
import { Layout } from '../../runtime/oci/layout.ts';
import { openTarget } from '../../runtime/oci/open.ts';
import { readImage } from '../../runtime/oci/platform.ts';
import { look } from '../archive/support.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { fill, good, type Machine, makeMachine, type Outcome, result } from './support.ts';

/** The manifest and config of what was pushed into a layout folder. */
async function imageIn(machine: Machine, pushed: Outcome) {
  const layout = await Layout.open(`${machine.path}/images`);
  const { value } = await readImage(layout, result(pushed, 'IMAGE_DIGEST'));
  const bytes = await readSmall(layout, value.config);
  return { manifest: value, config: bytes.length > 2 ? readConfig(bytes, 'test') : undefined, bytes: bytes.toString() };
}

test('the same content has the same digest on every machine, in every run, whoever pushes it', async () => {
  await using one = await makeMachine({ SUBPIPE_PIPELINE_TASK: 'clone', SUBPIPE_PIPELINE_RUN: 'run-1' });
  await using two = await makeMachine({ SUBPIPE_PIPELINE_TASK: 'clone', SUBPIPE_PIPELINE_RUN: 'run-2' });
  const digests = [];
  for (const machine of [one, two]) {
    const source = machine.workspace('source', { a: 'a', 'b/c': 'c' });
    for (const path of ['a', 'b/c', 'b']) {
      utimesSync(`${source}/${path}`, 1000, 1000.25);
      if (process.getuid?.() === 0 && machine === two) chownSync(`${source}/${path}`, 1234, 5678);
    }
    digests.push(result(await good(machine.push('source', `--target=oci:${machine.path}/images:x`)), 'IMAGE_DIGEST'));
  }
  assert.equal(digests[0], digests[1]);
});

test('times are kept to the nanosecond, the second, or no later than a time', async () => {
  await using machine = await makeMachine();
  const source = machine.workspace('source', { old: 'o', new: 'n' });
  utimesSync(`${source}/old`, 1000, 1000.5);
  utimesSync(`${source}/new`, 2000, 2000.5);
  const expected = { nanoseconds: [1000.5, 2000.5], seconds: [1000, 2000], '1500': [1000.5, 1500] };
  for (const [times, [old, late]] of Object.entries(expected)) {
    rmSync(`${machine.path}/.state`, { recursive: true, force: true });
    await good(machine.push('source', `--target=oci:${machine.path}/images:x`, `--times=${times}`));
    await good(machine.pull('work', '--', `oci:${machine.path}/images:x`));
    const seen = look(machine.workspace('work'));
    const mtime = (name: string) => Number((seen.get(`/${name}`) as { mtime: bigint }).mtime) / 1e9;
    assert.deepEqual([mtime('old'), mtime('new')], [old, late], times);
    rmSync(`${machine.path}/images`, { recursive: true });
  }
  const wrong = await machine.push('source', `--target=oci:${machine.path}/images:x`, '--times=now');
  assert.match(wrong.stderr, /--times must be nanoseconds, seconds or a number of seconds since 1970, but is "now"/);
});

test('patterns: what .ociignore and --exclude name stays out; with --include there is nothing else', async () => {
  await using machine = await makeMachine();
  const target = `--target=oci:${machine.path}/images:x`;
  const source = machine.workspace('source', {
    '.ociignore': '*.log\n',
    'a.log': 'l',
    'b.LOG': 'L',
    'node_modules/x': 'x',
    'dist/app.js': 'j',
    'src/main.ts': 't',
  });
  await good(machine.push('source', target, '--exclude=node_modules/'));
  const pulled = await good(machine.pull('work', '--', `oci:${machine.path}/images:x`));
  const names = ['.ociignore', 'b.LOG', 'dist', 'dist/app.js', 'src', 'src/main.ts'];
  assert.deepEqual(readdirSync(machine.workspace('work'), { recursive: true }).sort(), names, pulled.stderr);
  const only = await good(machine.push('source', `--target=oci:${machine.path}/images:dist`, '--include=dist/'));
  await good(machine.pull('dist', '--', result(only, 'image')));
  assert.deepEqual(readdirSync(machine.workspace('dist'), { recursive: true }).sort(), ['dist', 'dist/app.js']);
  fill(source, { 'src/main.ts': 'changed' });
  const more = await good(machine.push('source', target, '--exclude=node_modules/'));
  assert.equal(result(more, 'layers'), '2', 'a part that was pushed is no base for the rest');
});

test('--base: only what differs from an image is pushed, where the workspace was not pulled', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const source = machine.workspace('source', { a: 'a', b: 'b', 'd/c': 'c' });
  const base = await good(machine.push('source', `--target=${registry.host}/base:1`));
  rmSync(`${machine.path}/.state`, { recursive: true });
  const missing = await machine.push('source', `--target=${registry.host}/app:1`, `--base=${registry.host}/base:2`);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /base:2: there is no tag "2"\.$/m, 'a push has no flag "optional"');
  const same = await good(machine.push('source', `--target=${registry.host}/app:1`, `--base=${registry.host}/base:1`));
  assert.equal(result(same, 'IMAGE_DIGEST'), result(base, 'IMAGE_DIGEST'));
  assert.ok(
    registry.requests.some((line) => line.includes('mount=')),
    'taken from the other repository',
  );
  writeFileSync(`${source}/b`, 'changed');
  rmSync(`${source}/d`, { recursive: true });
  const next = await good(machine.push('source', `--target=${registry.host}/app:1`, `--base=${registry.host}/base:1`));
  assert.deepEqual([result(next, 'layers'), result(next, 'changed-files')], ['2', '2']);
  await good(machine.pull('work', '--', result(next, 'image')));
  assert.deepEqual(look(machine.workspace('work')), look(source));
});

test('labels, annotations and the history say what is asked; the run only by --record=run', async () => {
  await using machine = await makeMachine({
    SUBPIPE_PIPELINE_TASK: 'build',
    SUBPIPE_PIPELINE_RUN: 'run-1',
    SUBPIPE_TASK_RUN: 'run-1-build',
  });
  const source = machine.workspace('source', { a: 'a' });
  const flags = [`--target=oci:${machine.path}/images:x`, '--expires-after=2w', '--annotations={team: ci}'];
  const first = await imageIn(machine, await good(machine.push('source', ...flags)));
  assert.deepEqual(first.manifest.annotations, { team: 'ci' });
  assert.match(first.bytes, /"Labels":\{"quay\.expires-after":"2w"\}/);
  assert.deepEqual(first.config?.history, [{ created_by: 'build' }]);
  assert.equal(first.config?.created, undefined);
  fill(source, { b: 'b' });
  const second = await imageIn(machine, await good(machine.push('source', ...flags, '--record=run')));
  const { 'subpipe.dev/parents': parents, ...annotations } = second.manifest.annotations ?? {};
  assert.match(parents ?? '', /^sha256:/);
  assert.deepEqual(annotations, {
    team: 'ci',
    'subpipe.dev/pipelineRun': 'run-1',
    'subpipe.dev/taskRun': 'run-1-build',
  });
  assert.equal(second.config?.history.length, 2);
  assert.match(second.config?.created ?? '', /^20\d\d-/);
  fill(source, { c: 'c' });
  const third = await imageIn(machine, await good(machine.push('source', ...flags, '--record=none')));
  assert.deepEqual(third.config?.history.at(-1), {});
});

test('the time is told by --record=run on a machine without Tasks too', async () => {
  await using machine = await makeMachine();
  machine.workspace('source', { a: 'a' });
  const outcome = await good(machine.push('source', `--target=oci:${machine.path}/images:x`, '--record=run'));
  const { config } = await imageIn(machine, outcome);
  assert.match(config?.created ?? '', /^20\d\d-/);
});

test('an expiry is one that Quay reads, is an annotation of artifacts, and is told where the same image keeps another', async () => {
  await using machine = await makeMachine();
  const source = machine.workspace('source', { a: 'a' });
  const target = `--target=oci:${machine.path}/images:x`;
  for (const text of ['banana', '2', 'w', '1d12h', '-1d']) {
    const { code, stderr } = await machine.push('source', target, `--expires-after=${text}`);
    assert.equal(code, 2, text);
    assert.match(stderr, /--expires-after must be a number and one of s, m, h, d, w, such as 12h or 2w/);
  }
  const flags = [target, '--artifact=true', '--record=run', '--expires-after=2w'];
  const { 'org.opencontainers.image.created': created = '', ...annotations } =
    (await imageIn(machine, await good(machine.push('source', ...flags)))).manifest.annotations ?? {};
  assert.deepEqual(annotations, { 'quay.expires-after': '2w' });
  assert.match(created, /^20\d\d-/);
  const same = await good(machine.push('source', target, '--expires-after=2w'));
  assert.doesNotMatch(same.stderr, /warn/);
  const other = await good(machine.push('source', target, '--expires-after=3w'));
  assert.match(other.stderr, /warn: it is the same image, so its label quay\.expires-after is 2w, not 3w/);
  fill(source, { b: 'b' });
  await good(machine.push('source', target));
  const late = await good(machine.push('source', target, '--expires-after=3w'));
  assert.match(late.stderr, /label quay\.expires-after is unset, not 3w/);
});

test('too many layers: the image is made anew, with all that is in the folder', async () => {
  await using machine = await makeMachine();
  const source = machine.workspace('source', { a: 'a' });
  const layers = [];
  for (const name of ['b', 'c', 'd', 'e']) {
    fill(source, { [name]: name });
    const pushed = await good(machine.push('source', `--target=oci:${machine.path}/images:x`, '--max-layers=3'));
    layers.push(result(pushed, 'layers'));
  }
  assert.deepEqual(layers, ['1', '2', '3', '1']);
  await good(machine.pull('work', '--', `oci:${machine.path}/images:x`));
  assert.deepEqual(look(machine.workspace('work')), look(source));
});

test('too much dead weight: the image is made anew', async () => {
  await using machine = await makeMachine();
  const source = machine.workspace('source');
  const layers = [];
  for (const fillWith of ['a', 'b', 'c']) {
    fill(source, { large: fillWith.repeat(40_000_000) });
    layers.push(result(await good(machine.push('source', `--target=oci:${machine.path}/images:x`)), 'layers'));
  }
  assert.deepEqual(layers, ['1', '2', '1'], 'of 120 MB in three layers, 80 would be dead');
});

test('much is pushed as several layers, which together are the folder', async () => {
  await using machine = await makeMachine();
  const large = 'x'.repeat(150_000_000);
  const source = machine.workspace('source', { 'a/1': large, 'b/2': large, small: 's' });
  const pushed = await good(machine.push('source', `--target=oci:${machine.path}/images:x`));
  assert.equal(result(pushed, 'layers'), '2');
  await good(machine.pull('work', '--', `oci:${machine.path}/images:x`));
  assert.deepEqual(look(machine.workspace('work')), look(source));
});

test('an empty folder is an image of an empty folder', async () => {
  await using machine = await makeMachine();
  machine.workspace('source');
  const pushed = await good(machine.push('source', `--target=oci:${machine.path}/images:x`));
  assert.equal(result(pushed, 'layers'), '1');
  const work = machine.workspace('work', { gone: 'g' });
  await good(machine.pull('work', '--', result(pushed, 'image')));
  assert.deepEqual(readdirSync(work), []);
});

test('artifacts are no images; a push on top of one is one more layer', async () => {
  await using machine = await makeMachine();
  const source = machine.workspace('source', { a: 'a' });
  const flags = [`--target=oci:${machine.path}/images:x`, '--artifact'];
  const first = await imageIn(machine, await good(machine.push('source', ...flags)));
  assert.equal(first.manifest.artifactType, 'application/vnd.subpipe.workspace.v1');
  assert.deepEqual([first.manifest.config.mediaType, first.bytes], ['application/vnd.oci.empty.v1+json', '{}']);
  await good(machine.pull('work', '--', `oci:${machine.path}/images:x`));
  assert.deepEqual(look(machine.workspace('work')), look(source));
  fill(machine.workspace('work'), { b: 'b' });
  assert.equal(result(await good(machine.push('work', ...flags)), 'layers'), '2');
  fill(machine.workspace('work'), { c: 'c' });
  const image = await good(machine.push('work', `--target=oci:${machine.path}/images:image`));
  assert.equal((await imageIn(machine, image)).config?.rootfs.diff_ids.length, 3);
});

test('a registry that refuses zstd gets gzip, all of it; one that refuses artifacts gets an image', async () => {
  await using machine = await makeMachine();
  const refused: string[] = [];
  await using registry = await FakeRegistry.start({
    async intercept(request, response) {
      if (request.method !== 'PUT' || request.url?.includes('/manifests/') !== true) return false;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      const what = ['tar+zstd', 'oci.empty'].filter((word) => text.includes(word));
      refused.push(what.join(' and '));
      const status = what.length > 0 ? 415 : 201;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(status === 201 ? '' : '{"errors":[{"code":"MANIFEST_INVALID","message":"not supported"}]}');
      return true;
    },
  });
  machine.workspace('source', { a: 'a' });
  await good(machine.push('source', `--target=oci:${machine.path}/images:x`));
  fill(machine.workspace('source'), { b: 'b' });
  const pushed = await good(machine.push('source', `--target=${registry.host}/app`, '--artifact'));
  assert.match(pushed.stderr, /refuses artifacts: an image is pushed\n.*refuses layers in zstd: gzip is pushed/s);
  assert.deepEqual(refused, ['tar+zstd and oci.empty', 'tar+zstd', '']);
  assert.equal(result(pushed, 'layers'), '1');
});

test('what is packed again after a failure, and has become another layer, has the config of that one', async () => {
  await using machine = await makeMachine();
  const source = machine.workspace('source', { 'folder/file': 'a' });
  let failed = 0;
  await using registry = await FakeRegistry.start({
    async intercept(request, response) {
      if (request.method !== 'PATCH' || failed > 0) return false;
      failed += 1;
      await request.toArray();
      // Not a change that a push looks for: only what is in a folder is held to what was seen of it.
      utimesSync(`${source}/folder`, 1000, 1000.25);
      response.writeHead(500).end();
      return true;
    },
  });
  await good(machine.push('source', `--target=${registry.host}/app:x`));
  assert.equal(failed, 1);
  await good(machine.pull('work', '--', `${registry.host}/app:x`));
  const found = look(machine.workspace('work')).get('/folder') as { mtime: bigint };
  assert.equal(found.mtime, 1_000_250_000_000n);
});

for (const what of ['the config', 'a layer of before'] as const) {
  test(`where ${what} is refused, the upload of the layer ends too: nothing goes on behind the error`, async () => {
    await using machine = await makeMachine();
    const closed = Promise.withResolvers<void>();
    const sending = Promise.withResolvers<void>();
    await using registry = await FakeRegistry.start({
      async intercept(request, response) {
        if (request.method === 'PATCH') {
          response.on('close', closed.resolve);
          sending.resolve();
          // All of it is read, and never answered.
          request.resume();
          return true;
        }
        if (request.method !== 'HEAD') return false;
        await sending.promise;
        response.writeHead(403).end();
        return true;
      },
    });
    machine.workspace('source', { a: 'a' });
    if (what !== 'the config') {
      await good(machine.push('source', `--target=oci:${machine.path}/images:x`));
      fill(machine.workspace('source'), { b: 'b' });
    }
    const pushed = await machine.push('source', `--target=${registry.host}/app`);
    assert.deepEqual([pushed.code, /cannot look for sha256:/.test(pushed.stderr)], [3, true], pushed.stderr);
    await closed.promise;
  });
}

test('what cannot be remembered is told before anybody sees the image', async () => {
  await using machine = await makeMachine();
  await using registry = await FakeRegistry.start();
  machine.workspace('source', { a: 'a' });
  // There is nothing to read, and nothing can be made there.
  symlinkSync('nowhere/deeper', `${machine.path}/state`);
  const flags = [`--target=${registry.host}/app:x`, `--state-folder=${machine.path}/state`];
  const pushed = await machine.push('source', ...flags);
  assert.deepEqual([pushed.code, /cannot write the state file /.test(pushed.stderr)], [1, true], pushed.stderr);
  assert.deepEqual(
    registry.requests.filter((request) => request.includes('/manifests/')),
    [],
  );
});

test('--dry-run lists what would be in the layer and sends nothing', async () => {
  await using machine = await makeMachine();
  const source = machine.workspace('source', { a: 'a', 'd/b': 'b', 'e/x': 'x', 'e/y': 'y' });
  await good(machine.push('source', `--target=oci:${machine.path}/images:x`));
  fill(source, { 'd/new\nline': 'n' });
  rmSync(`${source}/a`);
  rmSync(`${source}/e/x`);
  rmSync(`${source}/e/y`);
  const dry = await good(machine.push('source', '--target=oci:/nowhere/at/all:x', '--dry-run'));
  const lines = dry.stdout.trimEnd().split('\n').slice(0, -1);
  assert.deepEqual(lines, ['remove a', 'write d/', 'write d/new\\x0aline', 'write e/', 'empty e/']);
  assert.ok(!existsSync('/nowhere'));
});

test('a push that is done again does no harm: same digest, and a tag that went on stays where it is', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const target = `${registry.host}/app:build`;
  machine.workspace('source', { a: 'a' });
  const first = await good(machine.push('source', `--target=${target}`));
  await good(machine.pull('next', '--', target));
  fill(machine.workspace('next'), { b: 'b' });
  const second = await good(machine.push('next', `--target=${target}`));
  const again = await good(machine.push('source', `--target=${target}`));
  assert.equal(result(again, 'image'), result(first, 'image'));
  const pulled = await good(machine.pull('last', '--', target));
  assert.equal(result(pulled, 'image'), result(second, 'image'));
  const { target: repository } = await openTarget(target);
  const { descriptor } = await repository.readManifest('build');
  assert.equal(descriptor.digest, result(second, 'IMAGE_DIGEST'), 'also for who knows the tag alone');
});

test('more tags name what was pushed, also where nothing changed and they named something else', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const [one, two] = [`--target=${registry.host}/app:one`, `--target=${registry.host}/app:two`];
  machine.workspace('one', { a: '1' });
  machine.workspace('two', { a: '2' });
  const first = await good(machine.push('one', one));
  await good(machine.push('two', two, '--tags=latest'));
  const again = await good(machine.push('one', one, '--tags=latest,new'));
  assert.match(again.stderr, /nothing changed/);
  const { target } = await openTarget(`${registry.host}/app:one`);
  for (const tag of ['latest', 'new']) {
    assert.equal((await target.readManifest(tag)).descriptor.digest, result(first, 'IMAGE_DIGEST'), tag);
  }
});

test('what cannot be in an image is left out with a warning, or named; bad flags are named', async () => {
  await using machine = await makeMachine();
  const source = machine.workspace('source', { a: 'a' });
  await promisify(execFile)('mkfifo', [`${source}/pipe`]);
  const pushed = await good(machine.push('source', `--target=oci:${machine.path}/images:x`));
  assert.match(pushed.stderr, /warn: pipe is a pipe: left out/);
  fill(source, { '.wh.odd': 'o' });
  const odd = await machine.push('source', `--target=oci:${machine.path}/images:x`);
  assert.equal(odd.code, 2);
  assert.match(odd.stderr, /\.wh\.odd cannot be in an image/);
  const digest = `oci:${machine.path}/images@sha256:${'0'.repeat(64)}`;
  const named = await machine.push('source', `--target=${digest}`);
  assert.match(named.stderr, /--target is .*: expected REPO:TAG or oci:FOLDER:TAG, as the digest is what a push gives/);
  const tags = await machine.push('source', `--target=oci:${machine.path}/images:y`, '--tags=good,a/b');
  assert.deepEqual(
    [tags.code, /--tags has "a\/b", which is no tag: expected/.test(tags.stderr)],
    [2, true],
    tags.stderr,
  );
  const absent = await machine.push('nothing-here', `--target=oci:${machine.path}/images:x`);
  assert.deepEqual([absent.code, /nothing-here is not there: expected a folder/.test(absent.stderr)], [2, true]);
  assert.equal(readFileSync(`${source}/a`, 'utf8'), 'a');
});
