import { execFile } from 'node:child_process';

/** What a git work tree tells of itself. */
export interface GitInfo {
  /** `https://HOST/owner/name` of the remote origin, or upstream; the work tree's path where it has neither. */
  url: string;
  /** The SHA of HEAD. */
  revision: string;
}

/** `undefined` outside of a work tree, before its first commit, and where there is no git. */
export async function gitInfo(
  folder: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<GitInfo | undefined> {
  const git = (...args: string[]) => runGit(folder, args, env, signal);
  const [head, origin] = await Promise.all([
    git('rev-parse', 'HEAD', '--show-toplevel'),
    git('remote', 'get-url', 'origin'),
  ]);
  const [revision = '', root = ''] = (head ?? '').split('\n');
  if (revision === '') return undefined;
  const url = origin ?? (await git('remote', 'get-url', 'upstream')) ?? root;
  return { url: webUrl(url.trim()), revision };
}

/** What git prints; `undefined` where it fails. */
function runGit(
  cwd: string,
  args: string[],
  { PATH = '', HOME = '' }: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const env = { PATH, HOME, LC_ALL: 'C', LANG: 'C' };
  return new Promise((resolve) => {
    execFile('git', args, { cwd, env, signal }, (error, stdout) => resolve(error === null ? stdout : undefined));
  });
}

/** `git@HOST:owner/name.git` as `https://HOST/owner/name`, without credentials. */
export function webUrl(url: string): string {
  const plain = url.replace(/\.git$/, '');
  const short = /^git@([^:/]+):(.*)$/s.exec(plain);
  if (short !== null) return `https://${short[1]}/${short[2]}`;
  return plain.replace(/^(https?:\/\/)[^/@]*@/, '$1');
}

/** Owner and name in a repository's URL, in lower case, as `{{ repo_owner }}` and `{{ repo_name }}` have them. */
export function ownerOf(url: string): { owner: string; name: string } | undefined {
  const parts = url
    .replace(/^[a-z+]+:\/\/[^/]*/i, '')
    .split('/')
    .filter((part) => part !== '');
  const name = parts.pop();
  if (name === undefined || parts.length === 0) return undefined;
  return { owner: parts.join('/').toLowerCase(), name: name.toLowerCase() };
}
