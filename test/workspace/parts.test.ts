import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { look } from '../archive/support.ts';
import { FakeRegistry } from '../fakes/registry.ts';
import { numbers } from '../support/random.ts';
import { fillLarge, pullOneOfMany } from './parts.ts';
import { fill, good, type Machine, makeMachine, type Outcome, result } from './support.ts';

for (const [kind, size] of [
  ['zstd', 50_000_000],
  ['gzip', 20_000_000],
] as const) {
  test(`one file of a layer of ${size / 1e6} MB is pulled by a few of its bytes (${kind})`, async () => {
    await using registry = await FakeRegistry.start();
    const received = await pullOneOfMany(registry.host, { kind, size });
    assert.ok(received < 5_000_000, `${received} bytes`);
    const ranges = registry.requests.filter((line) => line.startsWith('GET') && line.endsWith(' 206'));
    assert.equal(ranges.length, 2, 'the map and one part');
  });
}

/** What is at these paths and below. */
function below(seen: Map<string, unknown>, paths: readonly string[]): Map<string, unknown> {
  return new Map([...seen].filter(([path]) => paths.some((want) => `${path}/`.startsWith(`/${want}/`))));
}

/** Files of all sizes, some longer than several frames; links, and names that sort oddly. */
function makeTree(root: string, next: () => number): void {
  for (const folder of ['a', 'a.b', 'a/c', 'a/c/d', 'z']) {
    mkdirSync(`${root}/${folder}`);
    for (let i = 0; i < 12; i++) {
      writeFileSync(`${root}/${folder}/${i}`, randomBytes(Math.floor(next() ** 4 * 1_500_000)));
    }
  }
  writeFileSync(`${root}/a/c/long`, randomBytes(5_000_000));
  writeFileSync(`${root}/z/even`, randomBytes(2 ** 21 - 512));
  linkSync(`${root}/a/c/long`, `${root}/z/link-to-long`);
  linkSync(`${root}/a/3`, `${root}/a/c/d/link`);
  symlinkSync('../a/3', `${root}/z/symlink`);
  mkdirSync(`${root}/z/empty`);
}

test('any part is what a pull of all has there, also over a layer that hides some of another', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const next = numbers(11);
  const source = machine.workspace('source');
  makeTree(source, next);
  const target = `--target=${registry.host}/app`;
  const images = [result(await good(machine.push('source', target)), 'image')];
  rmSync(`${source}/a/c`, { recursive: true });
  fill(source, { 'a/c': 'a file now' });
  for (let i = 0; i < 9; i++) rmSync(`${source}/z/${i}`);
  writeFileSync(`${source}/a/5`, randomBytes(6_000_000));
  images.push(result(await good(machine.push('source', target)), 'image'));
  let parts = 0;
  for (const image of images) {
    await good(machine.pull('all', '--', image));
    const all = look(machine.workspace('all'));
    const names = [...all.keys()].map((path) => path.slice(1));
    for (let round = 0; round < 6; round++) {
      const paths = Array.from({ length: 1 + Math.floor(next() * 3) }, () => names[Math.floor(next() * names.length)]);
      const before = registry.requests.length;
      await good(machine.pull('part', `--paths=${paths.join(',')}`, '--', image));
      parts += registry.requests.slice(before).filter((line) => line.endsWith(' 206')).length;
      const wanted = paths.map(String);
      const found = below(look(machine.workspace('part')), wanted);
      assert.deepEqual(withFirstOf(found), withFirstOf(below(all, wanted)), paths.join(','));
    }
  }
  assert.ok(parts > 10, `${parts} parts were read`);
});

/** Which name of a file is the first depends on which of them are there. */
function withFirstOf(seen: Map<string, unknown>): Map<string, unknown> {
  const firsts = new Map<unknown, string>();
  return new Map(
    [...seen].map(([path, value]) => {
      const { first } = value as { first: string };
      if (!firsts.has(first)) firsts.set(first, path);
      return [path, { ...(value as object), first: firsts.get(first) }];
    }),
  );
}

test('a registry that sends no parts is asked for all of the layer, once', async () => {
  await using registry = await FakeRegistry.start({ quirks: { noRanges: true } });
  const received = await pullOneOfMany(registry.host, { size: 20_000_000 });
  // Some of an answer that nobody wanted is in the sockets' buffers before it is left.
  assert.ok(received > 20_000_000 && received < 35_000_000, `${received} bytes`);
});

/** A registry whose answers to ranges are wrong: of the first or the second one that is asked for. */
async function lying(which: 'map' | 'frame', then: (machine: Machine, image: string, large: string) => Promise<void>) {
  let wrong = false;
  let ranges = 0;
  await using registry = await FakeRegistry.start({
    intercept(request, response) {
      const [, start, end] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
      if (!wrong || start === undefined) return false;
      if (ranges++ !== (which === 'map' ? 0 : 1)) return false;
      const bytes = randomBytes((end === '' ? size : Number(end) + 1) - Number(start));
      response.writeHead(206, { 'content-range': `bytes ${start}-${end}/${size}`, 'content-length': bytes.length });
      response.end(bytes);
      return true;
    },
  });
  let size = 0;
  await using machine = await makeMachine();
  const large = fillLarge(machine, 12_000_000);
  const pushed = await good(machine.push('large', `--target=${registry.host}/app`));
  size = Number(result(pushed, 'size'));
  wrong = true;
  await then(machine, result(pushed, 'image'), large);
}

test('a part with other bytes than the image says is an error, and leaves the folder as it was', async () => {
  await lying('frame', async (machine, image) => {
    const part = machine.workspace('part', { mine: 'm' });
    const refused = await machine.pull('part', '--paths=folder-3', '--', image);
    assert.equal(refused.code, 1, refused.stderr);
    assert.match(refused.stderr, /other bytes than its map says: a frame has another digest/);
    assert.deepEqual(readdirSync(part), ['mine']);
  });
});

test('where the map is not what the image says, all of the layer is read, which is verified by itself', async () => {
  await lying('map', async (machine, image, large) => {
    await good(machine.pull('part', '--paths=folder-3', '--', image));
    const file = (folder: string) => readFileSync(`${folder}/folder-3/file-0`);
    assert.ok(file(machine.workspace('part')).equals(file(large)));
  });
});

test('what was not asked for is merged as well: a push after a part of a merge loses nothing', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const target = `--target=${registry.host}/app`;
  machine.workspace('base', { 'src/a': 'a0', 'docs/c': 'c0' });
  const base = result(await good(machine.push('base', target)), 'image');
  const images: string[] = [];
  for (const name of ['one', 'two']) {
    await good(machine.pull(name, '--', base));
    fill(machine.workspace(name), { 'docs/c': name });
    images.push(result(await good(machine.push(name, target)), 'image'));
  }
  const refused = await machine.pull('both', '--paths=src', '--', ...images);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /changed the same paths differently: docs\/c/);
});

test('a registry that refuses zstd does not get a part of an image in place of all of it', async () => {
  await using machine = await makeMachine();
  await using registry = await FakeRegistry.start({
    async intercept(request, response) {
      if (request.method !== 'PUT' || request.url?.includes('/manifests/') !== true) return false;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const isRefused = Buffer.concat(chunks).includes('tar+zstd');
      response.writeHead(isRefused ? 415 : 201, { 'content-type': 'application/json' });
      response.end(isRefused ? '{"errors":[{"code":"MANIFEST_INVALID","message":"not supported"}]}' : '');
      return true;
    },
  });
  const images = `oci:${machine.path}/images:x`;
  machine.workspace('source', { 'src/a': 'a', 'docs/b': 'b' });
  await good(machine.push('source', `--target=${images}`));
  await good(machine.pull('part', '--paths=src', '--', images));
  fill(machine.workspace('part'), { 'src/new': 'n' });
  const refused = await machine.push('part', `--target=${registry.host}/app`);
  assert.equal(refused.code, 1, refused.stderr);
  assert.doesNotMatch(refused.stderr, /gzip is pushed/);
});

test('of a folder that was pulled in part, a push keeps the rest, its mode, and what else it has', async () => {
  await using machine = await makeMachine();
  const target = `--target=oci:${machine.path}/images`;
  const source = machine.workspace('source', { 'a/x': 'x', 'a/y': 'y', 'a/rest': 'rest', 'a/b/z': 'z' });
  chmodSync(`${source}/a`, 0o700);
  const image = result(await good(machine.push('source', target)), 'image');
  const pulledOf = async (pushed: Outcome): Promise<string[]> => {
    await good(machine.pull('all', '--', result(pushed, 'image')));
    const all = machine.workspace('all');
    assert.equal(statSync(`${all}/a`).mode & 0o777, 0o700);
    return readdirSync(`${all}/a`, { recursive: true, encoding: 'utf8' }).sort();
  };
  await good(machine.pull('part', '--paths=a/x,a/y', '--', image));
  const part = machine.workspace('part');
  assert.equal(statSync(`${part}/a`).mode & 0o777, 0o700);
  rmSync(`${part}/a/x`);
  rmSync(`${part}/a/y`);
  assert.deepEqual(await pulledOf(await good(machine.push('part', target))), ['b', 'b/z', 'rest']);
  await good(machine.pull('part', '--paths=a/b,a/x', '--', image));
  rmSync(`${part}/a`, { recursive: true });
  assert.deepEqual(await pulledOf(await good(machine.push('part', target))), ['rest', 'y']);
  fill(part, { 'a/x': 'again' });
  chmodSync(`${part}/a`, 0o700);
  assert.deepEqual(await pulledOf(await good(machine.push('part', target))), ['rest', 'x', 'y']);
});

test('a part of a large layer does not tell what the folders above it are: a push of it does not make them others', async () => {
  await using registry = await FakeRegistry.start();
  await using machine = await makeMachine();
  const target = `--target=${registry.host}/app`;
  const source = machine.workspace('source', { 'a/b/z': 'z' });
  for (let i = 0; i < 6; i++) writeFileSync(`${source}/a/${i}`, randomBytes(3_000_000));
  chmodSync(`${source}/a`, 0o700);
  const image = result(await good(machine.push('source', target)), 'image');
  await good(machine.pull('part', '--paths=a/b/z', '--', image));
  fill(machine.workspace('part'), { 'a/b/z': 'changed', 'a/new': 'new' });
  const pushed = await good(machine.push('part', target));
  await good(machine.pull('all', '--', result(pushed, 'image')));
  const all = machine.workspace('all');
  assert.equal(statSync(`${all}/a`).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(`${all}/a`), ['0', '1', '2', '3', '4', '5', 'b', 'new']);
  assert.equal(readFileSync(`${all}/a/b/z`, 'utf8'), 'changed');
});
