const note = {
  trigger: 'pull_request',
  revision: '0123456789abcdef0123456789abcdef01234567',
  sourceBranch: 'docs',
  targetBranch: 'main',
  repoUrl: 'https://gitlab.example/team/sub/app',
  sourceUrl: 'https://gitlab.example/bob/app',
  targetUrl: 'https://gitlab.example/team/sub/app',
  repoOwner: 'team/sub',
  repoName: 'app',
  sender: 'bob',
  title: 'Add docs',
  pullRequestNumber: 12,
};
const title = "documented: event_title is the merge request's title; the peer forgets it for comments";

/** Where ours answers otherwise on purpose: our answer, and why. */
export const differences: Readonly<Record<string, { ours: unknown; why: string }>> = {
  'glob é? and éa': { ours: true, why: 'the peer counts bytes where characters are meant' },
  'glob x{*,y}z and xabcz': {
    ours: true,
    why: 'the peer takes the first alternative that fits and does not come back',
  },
  'comment /test  run': {
    ours: { event: { eventType: 'test-comment', target: 'run' }, values: {} },
    why: 'the peer finds no name behind two blanks, and would start all runs',
  },
  'gitlab: a command on a merge request': {
    ours: { ...note, eventType: 'test-comment', comment: '/test build', testRun: 'build' },
    why: title,
  },
  'gitlab: a comment on a merge request': {
    ours: { ...note, eventType: 'no-ops-comment', comment: 'nice' },
    why: title,
  },
};
