import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { gitInfo } from '../../runtime/resolve/git-info.ts';
import { makeFolder } from '../support/folder.ts';

interface Place {
  /** The work tree. */
  at: string;
  /** The folder around it, which is the user's home as well. */
  around: string;
  git(...args: string[]): string;
}

/** A work tree with one commit and a remote. Whether files are read or git is asked: with no PATH there is no git to ask. */
async function withTree(use: (place: Place) => Promise<void>): Promise<void> {
  await using folder = await makeFolder();
  const around = realpathSync(folder.path);
  const at = path.join(around, 'tree');
  await mkdir(at);
  const env = { PATH: process.env.PATH, HOME: around };
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-C', at, ...args], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  git('init', '--quiet', '--initial-branch=main');
  git('commit', '--quiet', '--allow-empty', '--message=one');
  git('remote', 'add', 'origin', 'git@git.example.com:Owner/name.git');
  await use({ at, around, git });
}

const url = 'https://git.example.com/Owner/name';
const asked = (place: Place, at = place.at) => gitInfo(at, { PATH: process.env.PATH, HOME: place.around });
const unasked = (place: Place, at = place.at) => gitInfo(at, { PATH: '/nowhere', HOME: place.around });

test('commit and remote of a work tree are known without git, from a folder in it or a link to it', async () => {
  await withTree(async (place) => {
    const expected = { url, revision: place.git('rev-parse', 'HEAD') };
    await mkdir(path.join(place.at, 'a/b'), { recursive: true });
    symlinkSync(path.join(place.at, 'a'), path.join(place.around, 'link'));
    for (const at of [place.at, path.join(place.at, 'a/b'), path.join(place.around, 'link')]) {
      assert.deepEqual(await unasked(place, at), expected);
    }
  });
});

test('a packed branch, a commit that is checked out by itself, and a second worktree are known without git', async () => {
  await withTree(async (place) => {
    place.git('branch', 'main-2');
    place.git('commit', '--quiet', '--allow-empty', '--message=two');
    const expected = { url, revision: place.git('rev-parse', 'HEAD') };
    place.git('pack-refs', '--all');
    assert.deepEqual(await unasked(place), expected);
    place.git('commit', '--quiet', '--allow-empty', '--message=three');
    assert.deepEqual(
      await unasked(place),
      { url, revision: place.git('rev-parse', 'HEAD') },
      'a loose ref counts first',
    );
    place.git('checkout', '--quiet', '--detach', expected.revision);
    assert.deepEqual(await unasked(place), expected);
    place.git('worktree', 'add', '--quiet', '../second', 'main-2');
    const second = { url, revision: place.git('rev-parse', 'main-2') };
    assert.deepEqual(await unasked(place, path.join(place.around, 'second')), second);
  });
});

test('without a remote origin it is upstream, and without that the path', async () => {
  await withTree(async (place) => {
    place.git('remote', 'rename', 'origin', 'upstream');
    place.git('remote', 'add', 'fork', 'https://fork.example.com/a/b');
    assert.equal((await unasked(place))?.url, url);
    place.git('remote', 'remove', 'upstream');
    assert.equal((await unasked(place))?.url, place.at);
  });
});

test('what only git can read is what git says', async () => {
  await withTree(async (place) => {
    const cases: Record<string, string> = {
      "the user's insteadOf": path.join(place.around, '.gitconfig'),
      'an included file': path.join(place.at, '.git/config'),
    };
    await writeFile(
      path.join(place.around, 'more'),
      '[url "https://mirror.example.com/"]\n  insteadOf = git@git.example.com:\n',
    );
    const original = execFileSync('cat', [path.join(place.at, '.git/config')]);
    for (const [name, file] of Object.entries(cases)) {
      await appendFile(file, `[include]\n  path = ${path.join(place.around, 'more')}\n`);
      assert.equal((await asked(place))?.url, 'https://mirror.example.com/Owner/name', name);
      if (file.endsWith('.gitconfig')) rmSync(file);
      else writeFileSync(file, original);
    }
    place.git('config', 'remote.origin.url', 'https://git.example.com/a;b');
    assert.equal((await asked(place))?.url, 'https://git.example.com/a;b');
    assert.equal((await unasked(place))?.url, '', 'with no git to ask');
  });
});

test('before the first commit, and outside of a work tree, nothing is known', async () => {
  await using folder = await makeFolder();
  const env = { PATH: process.env.PATH, HOME: folder.path };
  assert.equal(await gitInfo(folder.path, env), undefined);
  execFileSync('git', ['init', '--quiet', folder.path]);
  assert.equal(await gitInfo(folder.path, env), undefined);
});
