import { readGitFolder } from './git-folder.ts';

/** What a git work tree tells of itself. */
export interface GitInfo {
  /**
   * `https://HOST/owner/name` of the remote origin, or upstream; the work tree's path where it has neither; `''` where only git could
   * tell, and there is none.
   */
  url: string;
  /** The SHA of HEAD. */
  revision: string;
}

/** `undefined` outside of a work tree, and before its first commit. Git is asked only for what its files do not plainly say. */
export async function gitInfo(
  folder: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<GitInfo | undefined> {
  const files = readGitFolder(folder, env.HOME ?? '');
  if (files === undefined) return undefined;
  const git = (...args: string[]) => runGit(folder, args, env, signal);
  const remote = async () =>
    (await git('remote', 'get-url', 'origin')) ?? (await git('remote', 'get-url', 'upstream')) ?? files.root;
  const [revision, url] = await Promise.all([
    files.revision ?? git('rev-parse', 'HEAD'),
    files.url === '' ? files.root : (files.url ?? remote()),
  ]);
  if (revision === undefined || revision === '') return undefined;
  return { url: webUrl(url.trim()), revision: revision.trim() };
}

/** What git prints; `undefined` where it fails, `''` where there is none. */
async function runGit(
  cwd: string,
  args: string[],
  { PATH = '', HOME = '' }: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { execFile } = await import('node:child_process');
  const env = { PATH, HOME, LC_ALL: 'C', LANG: 'C' };
  return new Promise((resolve) => {
    execFile('git', args, { cwd, env, signal }, (error, stdout) => {
      resolve(error === null ? stdout : error.code === 'ENOENT' ? '' : undefined);
    });
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
