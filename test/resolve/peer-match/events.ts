import type { PeerEvent } from './case.ts';

const body = JSON.stringify({
  action: 'opened',
  number: 79,
  ratio: 1.5,
  big: 12345678901,
  small: 0.0000001,
  nothing: null,
  yes: true,
  text: 'two\nlines "quoted" {{ revision }}',
  list: [1, 'a', null, false, { z: 1, a: [] }],
  empty: {},
  pull_request: {
    title: 'Add docs',
    draft: false,
    state: 'open',
    user: { login: 'Ada', email: 'ada@example.com' },
    labels: [{ name: 'bug' }, { name: 'docs' }],
    base: { ref: 'main' },
  },
});
const headers = { 'X-GitHub-Event': 'pull_request', 'User-Agent': 'tests' };
const files = {
  all: ['docs/a.md', 'src/main.go', 'deep/er/x.yaml', 'old.txt', 'ren amed.txt'],
  added: ['docs/a.md'],
  deleted: ['old.txt'],
  modified: ['src/main.go', 'deep/er/x.yaml'],
  renamed: ['ren amed.txt'],
};
export const pullRequest: PeerEvent = {
  trigger: 'pull_request',
  eventType: 'pull_request',
  sha: 'abc123',
  base: 'main',
  head: 'docs',
  baseURL: 'https://forge.example/ada/app',
  headURL: 'https://forge.example/bob/app',
  url: 'https://forge.example/ada/app',
  org: 'Ada',
  repo: 'App',
  sender: 'Bob',
  title: 'Add docs',
  labels: ['bug', 'good first issue'],
  number: 79,
  headers,
  body,
  files,
};
export const push: PeerEvent = {
  ...pullRequest,
  trigger: 'push',
  eventType: 'push',
  base: 'refs/heads/main',
  head: 'refs/heads/main',
  shaTitle: 'Fix it',
  labels: [],
};
export const tag: PeerEvent = { ...push, base: 'refs/tags/v1.2', head: 'refs/tags/v1.2' };
export const incoming: PeerEvent = { ...push, eventType: 'incoming', base: 'main', head: 'main' };
export const labeled: PeerEvent = { ...pullRequest, eventType: 'pull_request_labeled' };
export const commented = (comment: string, eventType: string): PeerEvent => ({ ...pullRequest, comment, eventType });
export const nothing: PeerEvent = { ...pullRequest, files: {} };
