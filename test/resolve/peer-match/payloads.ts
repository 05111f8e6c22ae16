import type { Case } from './case.ts';

const sha = '0123456789abcdef0123456789abcdef01234567';
const zero = '0'.repeat(40);

const githubRepository = {
  id: 1,
  name: 'App',
  full_name: 'Ada/App',
  html_url: 'https://github.example/Ada/App',
  default_branch: 'main',
  owner: { login: 'Ada', name: 'Ada' },
}; // prettier-ignore
const githubPush = {
  ref: 'refs/heads/main',
  before: zero,
  after: sha,
  repository: githubRepository,
  pusher: { name: 'Bob' },
  sender: { login: 'Bob' },
  head_commit: {
    id: sha,
    message: 'Fix it\n\nall',
    url: 'u',
    added: ['new.md'],
    removed: ['old.md'],
    modified: ['a.go'],
  },
}; // prettier-ignore
const githubPull = {
  action: 'opened',
  number: 7,
  repository: githubRepository,
  sender: { login: 'Eve' },
  pull_request: {
    number: 7,
    title: 'Add docs',
    user: { login: 'Bob' },
    labels: [{ name: 'bug' }, { name: 'docs' }],
    head: { sha, ref: 'docs', repo: { ...githubRepository, html_url: 'https://github.example/Bob/App' } },
    base: { sha: zero, ref: 'main', repo: githubRepository },
  },
}; // prettier-ignore

const gitlabProject = {
  id: 3,
  name: 'App',
  web_url: 'https://gitlab.example/team/sub/app',
  path_with_namespace: 'team/sub/app',
  default_branch: 'main',
}; // prettier-ignore
const gitlabPush = {
  object_kind: 'push',
  ref: 'refs/heads/main',
  before: zero,
  after: sha,
  checkout_sha: sha,
  user_username: 'bob',
  user_id: 4,
  project_id: 3,
  project: gitlabProject,
  commits: [
    { id: zero, title: 'First', message: 'First', url: 'u', added: ['x'], modified: [], removed: [] },
    { id: sha, title: 'Last', message: 'Last\n\none', url: 'u', added: [], modified: ['src/a.go'], removed: [] },
  ],
}; // prettier-ignore
const gitlabMerge = {
  object_kind: 'merge_request',
  user: { id: 4, username: 'bob' },
  project: gitlabProject,
  labels: [{ id: 1, title: 'bug' }],
  object_attributes: {
    iid: 12,
    title: 'Add docs',
    action: 'open',
    source_branch: 'docs',
    target_branch: 'main',
    source_project_id: 5,
    target_project_id: 3,
    last_commit: { id: sha, title: 'Docs', message: 'Docs', url: 'u' },
    source: { web_url: 'https://gitlab.example/bob/app', path_with_namespace: 'bob/app' },
    target: { web_url: gitlabProject.web_url, path_with_namespace: gitlabProject.path_with_namespace },
  },
  changes: {},
}; // prettier-ignore
const { object_attributes: merge } = gitlabMerge;
const gitlabNote = {
  object_kind: 'note',
  user: { id: 4, username: 'bob' },
  project_id: 3,
  project: gitlabProject,
  object_attributes: { note: '/test build', noteable_type: 'MergeRequest', action: 'create' },
  merge_request: {
    iid: 12,
    title: 'Add docs',
    state: 'opened',
    source_branch: 'docs',
    target_branch: 'main',
    source_project_id: 5,
    target_project_id: 3,
    last_commit: merge.last_commit,
    source: merge.source,
    target: merge.target,
  },
}; // prettier-ignore

const giteaRepository = {
  id: 1,
  name: 'app',
  full_name: 'ada/app',
  html_url: 'https://gitea.example/ada/app',
  default_branch: 'main',
  owner: { id: 1, login: 'ada', username: 'ada' },
}; // prettier-ignore
const giteaUser = { id: 2, login: 'bob', username: 'bob' };
const giteaPush = {
  ref: 'refs/heads/main',
  before: zero,
  after: sha,
  repository: giteaRepository,
  pusher: giteaUser,
  sender: giteaUser,
  head_commit: { id: sha, message: 'Fix it', url: 'u', added: ['new.md'], removed: [], modified: [] },
}; // prettier-ignore
const giteaPull = {
  action: 'opened',
  number: 7,
  repository: giteaRepository,
  sender: giteaUser,
  pull_request: {
    id: 70,
    number: 7,
    title: 'Add docs',
    html_url: 'https://gitea.example/ada/app/pulls/7',
    user: giteaUser,
    labels: [{ id: 1, name: 'bug' }],
    head: { ref: 'docs', sha, repo: { ...giteaRepository, html_url: 'https://gitea.example/bob/app' } },
    base: { ref: 'main', sha: zero, repo: giteaRepository },
  },
}; // prettier-ignore

const link = (href: string) => ({ html: { href } });
const cloudRepository = {
  full_name: 'ada/app',
  workspace: { slug: 'ada' },
  links: link('https://bitbucket.example/ada/app'),
}; // prettier-ignore
const cloudPush = {
  actor: { account_id: 'x1', nickname: 'bob' },
  repository: cloudRepository,
  push: {
    changes: [
      {
        new: {
          type: 'branch',
          name: 'main',
          target: { hash: sha, links: link('https://bitbucket.example/ada/app/commits/1') },
        },
        old: {
          type: 'branch',
          name: 'main',
          target: { hash: zero, links: link('https://bitbucket.example/ada/app/commits/0') },
        },
      },
    ],
  },
}; // prettier-ignore
const [cloudChange] = cloudPush.push.changes;
const cloudPull = {
  actor: { account_id: 'x1', nickname: 'eve' },
  repository: cloudRepository,
  comment: { content: { raw: '' } },
  pullrequest: {
    id: 7,
    title: 'Add docs',
    author: { account_id: 'x1', nickname: 'bob' },
    source: {
      branch: { name: 'docs' },
      commit: { hash: sha },
      repository: { links: link('https://bitbucket.example/bob/app') },
    },
    destination: {
      branch: { name: 'main' },
      commit: { hash: zero },
      repository: { links: link('https://bitbucket.example/ada/app') },
    },
  },
}; // prettier-ignore

const centerRepository = (key: string) => ({
  slug: 'app',
  name: 'app',
  project: { key },
  links: {
    self: [{ href: `https://stash.example/projects/${key}/repos/app/browse` }],
    clone: [
      { name: 'ssh', href: 'ssh://git@stash.example/x' },
      { name: 'http', href: `https://stash.example/scm/${key}/app.git` },
    ],
  },
}); // prettier-ignore
const centerPush = {
  eventKey: 'repo:refs_changed',
  actor: { id: 9, name: 'bob' },
  repository: centerRepository('~ADA'),
  changes: [
    {
      refId: 'refs/heads/main',
      fromHash: zero,
      toHash: sha,
      type: 'UPDATE',
      ref: { id: 'refs/heads/main', displayId: 'main' },
    },
  ],
  commits: [{ id: sha, message: 'Fix it' }],
  toCommit: { id: sha, message: 'Fix it' },
}; // prettier-ignore
const centerPull = {
  eventKey: 'pr:opened',
  actor: { id: 9, name: 'bob' },
  pullRequest: {
    id: 7,
    title: 'Add docs',
    fromRef: { displayId: 'docs', latestCommit: sha, repository: centerRepository('BOB') },
    toRef: { displayId: 'main', latestCommit: zero, repository: centerRepository('ADA') },
  },
}; // prettier-ignore

function payload(name: string, provider: string, header: string, kind: string, body: unknown): Case {
  return {
    kind: 'payload',
    name: `${provider}: ${name}`,
    provider,
    event: { headers: { [header]: kind }, body: JSON.stringify(body) },
  };
}
const github = (name: string, kind: string, body: unknown) => payload(name, 'github', 'X-GitHub-Event', kind, body);
const gitlab = (name: string, kind: string, body: unknown) => payload(name, 'gitlab', 'X-Gitlab-Event', kind, body);
const gitea = (name: string, kind: string, body: unknown) => payload(name, 'gitea', 'X-Gitea-Event-Type', kind, body);
const cloud = (name: string, kind: string, body: unknown) =>
  payload(name, 'bitbucket-cloud', 'X-Event-Key', kind, body);
const center = (name: string, kind: string, body: unknown) =>
  payload(name, 'bitbucket-datacenter', 'X-Event-Key', kind, body);

export const payloadCases: readonly Case[] = [
  github('a push', 'push', githubPush),
  github('a pushed tag', 'push', { ...githubPush, ref: 'refs/tags/v1' }),
  github('a deleted branch', 'push', { ...githubPush, after: zero, head_commit: null }),
  ...[
    'opened',
    'synchronize',
    'reopened',
    'ready_for_review',
    'labeled',
    'closed',
    'edited',
    'unlabeled',
    'assigned',
  ].map((action) => github(`a pull request ${action}`, 'pull_request', { ...githubPull, action })),
  github('a star', 'star', { action: 'created', repository: githubRepository }),
  gitlab('a push', 'Push Hook', gitlabPush),
  gitlab('a push without commits', 'Push Hook', { ...gitlabPush, commits: [] }),
  gitlab('a pushed tag', 'Tag Push Hook', { ...gitlabPush, object_kind: 'tag_push', ref: 'refs/tags/v1' }),
  gitlab('a deleted tag', 'Tag Push Hook', {
    ...gitlabPush,
    object_kind: 'tag_push',
    after: zero,
    checkout_sha: null,
    commits: [],
  }),
  ...['open', 'reopen', 'close', 'merge', 'approved'].map((action) =>
    gitlab(`a merge request ${action}`, 'Merge Request Hook', {
      ...gitlabMerge,
      object_attributes: { ...merge, action },
    }),
  ),
  gitlab('a merge request with a new commit', 'Merge Request Hook', {
    ...gitlabMerge,
    object_attributes: { ...merge, action: 'update', oldrev: zero },
  }),
  gitlab('a merge request with a new title', 'Merge Request Hook', {
    ...gitlabMerge,
    object_attributes: { ...merge, action: 'update' },
    changes: { title: { previous: 'a', current: 'b' } },
  }),
  gitlab('a merge request with a new label', 'Merge Request Hook', {
    ...gitlabMerge,
    object_attributes: { ...merge, action: 'update' },
    changes: { labels: { previous: [], current: [{ id: 1, title: 'bug' }] } },
  }),
  gitlab('a command on a merge request', 'Note Hook', gitlabNote),
  gitlab('a comment on a merge request', 'Note Hook', {
    ...gitlabNote,
    object_attributes: { ...gitlabNote.object_attributes, note: 'nice' },
  }),
  gitlab('a comment on a closed merge request', 'Note Hook', {
    ...gitlabNote,
    merge_request: { ...gitlabNote.merge_request, state: 'closed' },
  }),
  gitlab('a pipeline', 'Pipeline Hook', { object_kind: 'pipeline', project: gitlabProject }),
  gitea('a push', 'push', giteaPush),
  gitea('a pushed tag', 'push', { ...giteaPush, ref: 'refs/tags/v1' }),
  ...['opened', 'synchronized', 'reopened', 'label_updated', 'closed', 'edited'].map((action) =>
    gitea(`a pull request ${action}`, 'pull_request', { ...giteaPull, action }),
  ),
  cloud('a push', 'repo:push', cloudPush),
  cloud('a pushed tag', 'repo:push', {
    ...cloudPush,
    push: { changes: [{ ...cloudChange, new: { ...cloudChange?.new, type: 'tag', name: 'v1' } }] },
  }),
  ...['created', 'updated', 'fulfilled', 'rejected', 'approved'].map((kind) =>
    cloud(`a pull request ${kind}`, `pullrequest:${kind}`, cloudPull),
  ),
  ...['/test', '/retest build', '/ok-to-test', '/cancel', 'nice'].map((raw) =>
    cloud(`the comment ${raw}`, 'pullrequest:comment_created', { ...cloudPull, comment: { content: { raw } } }),
  ),
  center('a push', 'repo:refs_changed', centerPush),
  center('a pushed tag', 'repo:refs_changed', {
    ...centerPush,
    changes: [{ ...centerPush.changes[0], refId: 'refs/tags/v1' }],
  }),
  center('a deleted branch', 'repo:refs_changed', {
    ...centerPush,
    changes: [{ ...centerPush.changes[0], toHash: zero, type: 'DELETE' }],
  }),
  ...['pr:opened', 'pr:from_ref_updated', 'pr:merged', 'pr:deleted'].map((kind) =>
    center(`a pull request ${kind}`, kind, { ...centerPull, eventKey: kind }),
  ),
  ...['/test build', '/ok-to-test', 'nice'].map((text) =>
    center(`the comment ${text}`, 'pr:comment:added', {
      ...centerPull,
      eventKey: 'pr:comment:added',
      comment: { text },
    }),
  ),
]; // prettier-ignore
