import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventFromFlags } from '../../runtime/resolve/event/event-flags.ts';
import { gitChanges, gitMessage, parseNameStatus } from '../../runtime/resolve/event/git-changes.ts';
import { parseHeaders } from '../../runtime/resolve/event/headers.ts';
import { loadEvent } from '../../runtime/resolve/event/load.ts';
import { eventFromPayload } from '../../runtime/resolve/event/payload.ts';
import { eventOf, titleOf } from '../../runtime/resolve/event.ts';

const folder = mkdtempSync(join(tmpdir(), 'events-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], {
    cwd: folder,
    encoding: 'utf8',
  }).trim();
const write = (path: string, text: string) => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
};
const commit = (message: string) => {
  git('add', '-A');
  git('commit', '-q', '-m', message);
  return git('rev-parse', 'HEAD');
};

git('init', '-q', '-b', 'main');
write('keep.txt', 'keep\n');
write('old name.txt', 'a file that is long enough to be found again\n'.repeat(5));
write('gone.txt', 'gone\n');
const first = commit('First');
git('checkout', '-q', '-b', 'docs');
write('docs/é\nnew.md', 'new\n');
renameSync(join(folder, 'old name.txt'), join(folder, 'new name.txt'));
commit('Docs');
rmSync(join(folder, 'gone.txt'));
write('keep.txt', 'changed\n');
const head = commit('Last\n\nbody [skip ci]');
git('checkout', '-q', 'main');
write('main-only.txt', 'x\n');
commit('On main');

test('a pull request has changed what its branch has, and not what the target has since', async () => {
  assert.deepEqual(await gitChanges({ folder, trigger: 'pull_request', revision: 'docs', base: 'main' }), {
    all: ['docs/é\nnew.md', 'gone.txt', 'keep.txt', 'new name.txt'],
    added: ['docs/é\nnew.md'],
    deleted: ['gone.txt'],
    modified: ['keep.txt'],
    renamed: ['new name.txt'],
  });
});

test('a push has changed what its last commit has', async () => {
  const changed = await gitChanges({ folder, trigger: 'push', revision: head, base: undefined });
  assert.deepEqual(changed.all, ['gone.txt', 'keep.txt']);
});

test('the first commit of a repository has added all', async () => {
  const changed = await gitChanges({ folder, trigger: 'push', revision: first, base: undefined });
  assert.deepEqual(changed.added, ['gone.txt', 'keep.txt', 'old name.txt']);
});

test('a revision that looks like an option is none', async () => {
  await assert.rejects(
    gitChanges({ folder, trigger: 'push', revision: '--output=x', base: undefined }),
    /no revision --output=x/,
  );
});

test('a branch that is not there is named', async () => {
  await assert.rejects(
    gitChanges({ folder, trigger: 'pull_request', revision: 'docs', base: 'nope' }),
    /no branch nope: fetch it/,
  );
});

test('a copy counts as added, a change of type as modified', () => {
  const changed = parseNameStatus('C100\0a\0b\0T\0link\0');
  assert.deepEqual([changed.added, changed.modified], [['b'], ['link']]);
});

test('the whole message of a commit is read', async () => {
  assert.match((await gitMessage(folder, head)) ?? '', /\[skip ci\]/);
});

test('an event without flags or payload is none', async () => {
  assert.equal(await loadEvent({ flags: { revision: head }, folder }), undefined);
});

test('an event takes files, message and title from git where nobody else tells', async () => {
  const event = await loadEvent({ flags: { event: 'push', targetBranch: 'docs', revision: head }, folder });
  assert.equal(event?.title, 'Last');
  assert.deepEqual(event?.changed?.deleted, ['gone.txt']);
});

test('a repository that cannot tell what has changed leaves it unknown', async () => {
  const event = await loadEvent({ flags: { event: 'pull_request', targetBranch: 'nope' }, folder });
  assert.equal(event?.changed, undefined);
});

test('flags win over the payload', async () => {
  const text = JSON.stringify({
    ref: 'refs/heads/main',
    pusher: {},
    repository: { full_name: 'a/b', html_url: 'https://x.example/a/b' },
  });
  const headers = parseHeaders('X-GitHub-Event: push\n', 'headers');
  const event = await loadEvent({ flags: { targetBranch: 'dev' }, payload: { text, where: 'p.json', headers } });
  assert.deepEqual([event?.trigger, event?.targetBranch, event?.repoUrl], ['push', 'dev', 'https://x.example/a/b']);
});

test('a push is on one branch', () => {
  const event = eventFromFlags({ event: 'push', targetBranch: 'main' });
  assert.deepEqual([event.sourceBranch, event.targetBranch], ['main', 'main']);
});

test('--tag is the push of a tag', () => {
  const event = eventFromFlags({ event: 'tag', tag: 'v1' });
  assert.deepEqual([event.trigger, event.targetBranch, event.tag], ['push', 'refs/tags/v1', 'v1']);
});

test('changed files say how they have changed', () => {
  const { changed } = eventFromFlags({
    event: 'push',
    changedFiles: ['a', 'added:b', 'deleted:c', 'renamed:d', 'modified:e', 'odd:f'],
  });
  assert.deepEqual(changed, {
    all: ['a', 'b', 'c', 'd', 'e', 'odd:f'],
    added: ['b'],
    deleted: ['c'],
    modified: ['a', 'e', 'odd:f'],
    renamed: ['d'],
  });
});

test('a comment alone is an event', () => {
  const event = eventFromFlags({ comment: '/test unit' });
  assert.deepEqual([event.trigger, event.eventType, event.targetRun], ['pull_request', 'test-comment', 'unit']);
});

for (const [flags, message] of [
  [{ event: 'pul' }, /--event must be one of push, .* but is "pul"/],
  [{ targetBranch: 'main' }, /need --event/],
  [{ event: 'tag' }, /needs --tag/],
  [{ event: 'label' }, /needs --labels/],
  [{ event: 'comment' }, /needs --comment/],
  [{ event: 'pull_request', tag: 'v1' }, /--tag goes with a push/],
  [{ event: 'push', tag: 'v1', targetBranch: 'x' }, /cannot be given together/],
] as const) {
  test(`flags that make no event: ${JSON.stringify(flags)}`, () => {
    assert.throws(() => eventFromFlags(flags), message);
  });
}

test('headers are JSON or lines', () => {
  const wanted = { 'X-GitHub-Event': 'push', Host: 'a:1' };
  assert.deepEqual(parseHeaders('X-GitHub-Event: push\r\nHost: a:1\r\n\r\n', 'h'), wanted);
  assert.deepEqual(parseHeaders('{"X-GitHub-Event": ["push"], "Host": "a:1"}', 'h'), wanted);
  assert.throws(() => parseHeaders('push', 'h.txt'), /h\.txt, line 1: expected "Name: value"/);
});

const bodies: [string, unknown][] = [
  ['github', { action: 'opened', pull_request: { head: { ref: 'x' } }, repository: { full_name: 'a/b' } }],
  ['gitlab', { object_kind: 'push', commits: [{ id: '1' }] }],
  ['gitea', { pusher: {}, ref: 'refs/heads/x', repository: { full_name: 'a/b', owner: { username: 'a' } } }],
  ['bitbucket cloud', { push: { changes: [{ new: { name: 'x' } }] } }],
  ['bitbucket data center', { eventKey: 'repo:refs_changed', changes: [{ refId: 'refs/heads/x' }] }],
  ['incoming', { pipelinerun: 'x', branch: 'main', secret: 'hush-hush' }],
];
for (const [name, body] of bodies) {
  test(`the forge is seen without headers: ${name}`, () => {
    const { trigger } = eventFromPayload(JSON.stringify(body), {}, 'p.json');
    assert.equal(trigger, name === 'github' ? 'pull_request' : 'push');
  });
}

test('a payload that is none says what is missing', () => {
  assert.throws(() => eventFromPayload('{', {}, 'p.json'), /p\.json is not valid JSON/);
  assert.throws(() => eventFromPayload('[]', {}, 'p.json'), /p\.json must be a JSON object/);
  assert.throws(() => eventFromPayload('{}', {}, 'p.json'), /no payload of a forge/);
});

test("a GitHub push lists its last commit's files", () => {
  const body = {
    ref: 'refs/heads/x',
    pusher: {},
    repository: { full_name: 'a/b' },
    head_commit: { id: '1', added: ['a'], removed: ['r'], modified: [] },
  };
  const event = eventFromPayload(JSON.stringify(body), {}, 'p.json');
  assert.deepEqual(event.changed?.all, ['a', 'r']);
});

test("GitHub's comments and checks are events", () => {
  const repository = { full_name: 'a/b', default_branch: 'main' };
  const of = (kind: string, body: object) =>
    eventFromPayload(JSON.stringify({ ...body, repository }), { 'x-github-event': kind }, 'p');
  const comment = of('issue_comment', {
    action: 'created',
    issue: { number: 3, pull_request: {} },
    comment: { body: '/test lint' },
  });
  assert.deepEqual([comment.eventType, comment.targetRun, comment.pullRequestNumber], ['test-comment', 'lint', 3]);
  const commitComment = of('commit_comment', {
    action: 'created',
    comment: { body: '/test lint branch:dev', commit_id: '1' },
  });
  assert.deepEqual([commitComment.trigger, commitComment.targetBranch, commitComment.revision], ['push', 'dev', '1']);
  const suite = { head_sha: '1', head_branch: 'x', pull_requests: [] };
  assert.equal(of('check_suite', { action: 'rerequested', check_suite: suite }).trigger, 'push');
  const pull = of('check_run', {
    action: 'rerequested',
    check_run: { check_suite: { ...suite, pull_requests: [{ number: 4, base: { ref: 'main' } }] } },
  });
  assert.deepEqual([pull.trigger, pull.targetBranch, pull.sourceBranch], ['pull_request', 'main', 'x']);
  assert.throws(
    () => of('issue_comment', { action: 'created', issue: {}, comment: { body: 'x' } }),
    /on an issue, not a pull request/,
  );
});

test('an event has a title for people', () => {
  assert.equal(
    titleOf(eventOf({ trigger: 'pull_request', sourceBranch: 'docs', targetBranch: 'refs/heads/main' })),
    'pull_request from docs to main',
  );
});
