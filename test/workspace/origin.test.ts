import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { historyOf } from '../../kubectl/workspace/history.ts';
import { createLog } from '../../runtime/log.ts';
import { readConfig } from '../../runtime/oci/config.ts';
import { readSmall } from '../../runtime/oci/copy.ts';
import { digestOf } from '../../runtime/oci/digest.ts';
import { Layout } from '../../runtime/oci/layout.ts';
import { storeManifest } from '../../runtime/oci/manifest.ts';
import { readImage } from '../../runtime/oci/platform.ts';
import { fill, good, type Machine, makeMachine, type Outcome, result } from './support.ts';

const revisionAnnotation = 'org.opencontainers.image.revision';

/** What an image in the machine's layout folder says. */
async function annotationsOf(machine: Machine, outcome: Outcome): Promise<Record<string, string>> {
  const layout = await Layout.open(`${machine.path}/images`);
  const { 'subpipe.dev/parents': _parents, ...rest } =
    (await layout.readManifest(result(outcome, 'IMAGE_DIGEST'))).value.annotations ?? {};
  return rest;
}

function git(machine: Machine, folder: string, ...args: string[]): string {
  const env = { PATH: process.env.PATH, HOME: machine.path };
  const own = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-C', folder];
  return execFileSync('git', [...own, ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

async function pushed(machine: Machine, folder: string, ...flags: string[]): Promise<Record<string, string>> {
  fill(machine.workspace(folder), { 'changes/each': String(Math.random()) });
  return annotationsOf(machine, await good(machine.push(folder, `--target=oci:${machine.path}/images:x`, ...flags)));
}

for (const format of ['sha1', 'sha256']) {
  test(`the image says which commit is checked out: branches, packed or not, and a detached HEAD (${format})`, async () => {
    await using machine = await makeMachine();
    const work = machine.workspace('work', { a: 'a' });
    git(machine, work, 'init', '--quiet', '--initial-branch=topic/one', `--object-format=${format}`);
    assert.deepEqual(await pushed(machine, 'work'), {}, 'no commit yet');
    git(machine, work, 'commit', '--quiet', '--allow-empty', '--message=one');
    const first = git(machine, work, 'rev-parse', 'HEAD');
    assert.deepEqual(await pushed(machine, 'work'), { [revisionAnnotation]: first });
    git(machine, work, 'commit', '--quiet', '--allow-empty', '--message=two');
    git(machine, work, 'pack-refs', '--all');
    const second = git(machine, work, 'rev-parse', 'HEAD');
    assert.deepEqual(await pushed(machine, 'work'), { [revisionAnnotation]: second });
    git(machine, work, 'checkout', '--quiet', '--detach', first);
    assert.deepEqual(await pushed(machine, 'work'), { [revisionAnnotation]: first });
    const reading = { registries: {}, log: createLog({ name: 'test', write: () => {} }), terminal: undefined };
    const signal = AbortSignal.timeout(60_000);
    const options = { files: false, limit: 2 };
    const log = await historyOf(`oci:${machine.path}/images:x`, options, { ...reading, platform: undefined, signal });
    assert.deepEqual(
      log.map(({ revision }) => revision),
      [first, second],
      'subpipe workspace log tells it',
    );
    assert.deepEqual(await pushed(machine, 'work', '--record=none'), {});
    assert.deepEqual(await pushed(machine, 'work', '--exclude=.git'), {}, 'of what is not pushed nothing is said');
  });
}

test('a worktree and a submodule have their own commit, and a folder inside a repository has none', async () => {
  await using machine = await makeMachine();
  const work = machine.workspace('work');
  git(machine, work, 'init', '--quiet', '--initial-branch=main');
  git(machine, work, 'commit', '--quiet', '--allow-empty', '--message=one');
  git(machine, work, 'worktree', 'add', '--quiet', '-b', 'other', '../tree');
  const tree = machine.workspace('tree');
  git(machine, tree, 'commit', '--quiet', '--allow-empty', '--message=two');
  const commit = git(machine, tree, 'rev-parse', 'HEAD');
  assert.notEqual(commit, git(machine, work, 'rev-parse', 'HEAD'));
  assert.deepEqual(await pushed(machine, 'tree'), { [revisionAnnotation]: commit });
  git(machine, work, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', tree, 'sub');
  assert.deepEqual(await pushed(machine, 'work/sub'), { [revisionAnnotation]: commit });
  machine.workspace('work/plain');
  assert.deepEqual(await pushed(machine, 'work/plain'), {});
});

test('what is given counts; credentials in the URL of the source are left out', async () => {
  await using machine = await makeMachine();
  const work = machine.workspace('work');
  git(machine, work, 'init', '--quiet');
  git(machine, work, 'commit', '--quiet', '--allow-empty', '--message=one');
  const flags = ['--revision=v1.2', '--source-url=https://me:secret@git.example.com/team/app.git', '--record=none'];
  const source = 'org.opencontainers.image.source';
  const expected = { [revisionAnnotation]: 'v1.2', [source]: 'https://git.example.com/team/app.git' };
  assert.deepEqual(await pushed(machine, 'work', ...flags), expected);
  const own = await pushed(machine, 'work', ...flags, `--annotations={${revisionAnnotation}: mine}`);
  assert.deepEqual(own, { ...expected, [revisionAnnotation]: 'mine' });
  for (const url of ['git@example.com:a/b', 'me:secret@example.com/a']) {
    const refused = await machine.push('work', '--target=oci:x:y', `--source-url=${url}`);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /--source-url is no URL of a repository: expected/);
    assert.doesNotMatch(refused.stderr, /secret/);
  }
});

test("settings and labels of an image stay in what is made of it, but for when it expires, and a push's own count", async () => {
  await using machine = await makeMachine();
  const images = `oci:${machine.path}/images`;
  machine.workspace('base', { a: 'a' });
  const base = result(
    await good(machine.push('base', `--target=${images}:base`, '--expires-after=1d')),
    'IMAGE_DIGEST',
  );
  const layout = await Layout.open(`${machine.path}/images`);
  const read = async (reference: string) => {
    const { value } = await readImage(layout, reference);
    return { value, config: readConfig(await readSmall(layout, value.config), 'test') };
  };
  const { value, config } = await read(base);
  assert.deepEqual(config.config.Labels, { 'quay.expires-after': '1d' });
  const run = {
    User: '65532',
    ExposedPorts: { '8080/tcp': {} },
    Env: ['A=b'],
    Entrypoint: ['/app'],
    Cmd: ['serve'],
    Volumes: { '/data': {} },
    WorkingDir: '/srv',
    StopSignal: 'SIGQUIT',
  };
  const more = { ...config, config: { ...run, Labels: { vendor: 'v', 'quay.expires-after': '1d', odd: 5 } } };
  const bytes = Buffer.from(JSON.stringify(more));
  const descriptor = { ...value.config, digest: digestOf(bytes), size: bytes.length };
  await layout.writeBlob(descriptor, () => Readable.from([bytes]));
  await layout.writeManifest(storeManifest({ ...value, config: descriptor }), 'labelled');
  await good(machine.pull('work', '--', `${images}:labelled`));
  for (const [flags, expected] of [
    [[], { vendor: 'v' }],
    [['--expires-after=2w'], { 'quay.expires-after': '2w', vendor: 'v' }],
  ] as const) {
    fill(machine.workspace('work'), { b: String(flags.length) });
    const next = await good(machine.push('work', `--target=${images}:next`, ...flags));
    const { Labels, ...settings } = (await read(result(next, 'IMAGE_DIGEST'))).config.config;
    assert.deepEqual(Labels, expected);
    assert.deepEqual(settings, run);
  }
});

test('a .git that leads elsewhere tells nothing but a commit, and runs nothing', async () => {
  await using machine = await makeMachine();
  const secret = machine.workspace('secret', { HEAD: 'password', config: '', 'refs/heads/main': 'another secret' });
  const cases: ((work: string) => void)[] = [
    (work) => writeFileSync(`${work}/.git`, `gitdir: ${secret}`),
    (work) => symlinkSync(secret, `${work}/.git`),
    (work) => fill(work, { '.git/HEAD': 'ref: refs/heads/../../../secret/HEAD', '.git/config': '' }),
    (work) => {
      mkdirSync(`${work}/.git/hooks`, { recursive: true });
      fill(work, { '.git/HEAD': 'ref: refs/heads/main', '.git/config': '[core]\n fsmonitor = "touch ran"\n' });
      symlinkSync(`${secret}/refs`, `${work}/.git/refs`);
    },
  ];
  for (const [i, make] of cases.entries()) {
    make(machine.workspace(`work-${i}`));
    assert.deepEqual(await pushed(machine, `work-${i}`), {}, `case ${i}`);
  }
});
