import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { invalid, SubpipeError } from '../../errors.ts';
import { addSecret, redact } from '../../redact.ts';
import { type Downloader, decode } from './download.ts';
import { isCommit } from './forge.ts';
import { inside } from './inside.ts';
import type { Origin } from './origin.ts';
import { publicUrl, safeDecode } from './public-url.ts';

export interface GitFile {
  url: string;
  revision: string;
  path: string;
}

/**
 * A file of a git repository (docs/git-resolver.md), by the program `git`: one commit, without history, into a folder that is
 * removed again. Credentials go by the environment, never by arguments.
 *
 * @param login for the URL's host, where there is one.
 */
export function gitOrigin(
  file: GitFile,
  options: { downloader: Downloader; env: NodeJS.ProcessEnv; login?: { user: string; token: string } | undefined },
): Origin {
  const name = gitName(file);
  const { address, login } = clean(file.url, options.login);
  return {
    from: name,
    immutable: isCommit(file.revision),
    async read(_known, signal) {
      const { hostname, protocol } = new URL(address);
      if (hostname !== '') await options.downloader.check(new URL(`https://${hostname}`));
      const folder = await mkdtemp(path.join(tmpdir(), 'subpipe-git-'));
      try {
        const { guarded, sizeLimit } = options.downloader;
        const env = environment(options.env, address, login, guarded);
        const git: Git = (...args) => run(['-C', folder, ...args], env, sizeLimit, name, signal);
        await git('init', '--quiet');
        const commit = await fetch(git, address, file.revision);
        const bytes = await git('cat-file', 'blob', `${commit}:${inside(file.path)}`).catch((cause: unknown) => {
          if (cause instanceof SubpipeError) throw cause;
          throw new SubpipeError('NOT_FOUND', `${name} does not exist`, { cause });
        });
        return { kind: 'text', text: decode(bytes, name), validators: {} };
      } catch (cause) {
        if (signal?.aborted) throw signal.reason;
        if (cause instanceof SubpipeError) throw cause;
        throw new SubpipeError('UNAVAILABLE', `${name} cannot be fetched with git`, {
          cause,
          ...(login === undefined && /^https?:$/.test(protocol)
            ? { hint: 'Where the repository is private, give a token.' }
            : {}),
        });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

type Git = (...args: string[]) => Promise<Buffer>;

/** Fetches a commit. @returns what to call it in the folder. */
async function fetch(git: Git, address: string, revision: string): Promise<string> {
  try {
    await git('fetch', '--quiet', '--no-tags', '--depth=1', '--', address, revision);
    return 'FETCH_HEAD';
  } catch (error) {
    if (!isCommit(revision) || error instanceof SubpipeError) throw error;
    // Some servers give branches and tags only: then all of them, and the commit among them.
    await git('fetch', '--quiet', '--', address, '+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*');
    return revision;
  }
}

/** What a git reference is called, in errors and in the lock. */
export function gitName({ url, revision, path: file }: GitFile): string {
  return `git ${/^\w+:\/\//.test(url) ? publicUrl(url) : url} ${revision} ${file}`;
}

/** @throws SubpipeError `INVALID` for what git would take for an option, or for a program to run. */
export function checkGitFile({ url, revision, path: file }: GitFile): void {
  if (!/^(https?|ssh):\/\/[^-]/.test(url) && !/^[\w.][\w.-]*@[\w.][\w.-]*:[^:]/.test(url)) {
    throw invalid(`the git URL "${redact(url)}" is not understood: expected https://…, ssh://… or git@HOST:PATH`);
  }
  if (!/^[\w.@/+][\w.@/+#=-]*$/.test(revision) || revision.includes('..')) {
    throw invalid(`the git revision "${revision}" is not understood: expected a branch, a tag or a commit`);
  }
  inside(file);
}

function clean(text: string, login: { user: string; token: string } | undefined) {
  const url = URL.parse(text);
  if (url === null) return { address: `ssh://${text.replace(':', '/')}`, login: undefined };
  if (!/^https?:$/.test(url.protocol)) return { address: url.href, login: undefined };
  const own = url.password === '' ? login : { user: safeDecode(url.username), token: safeDecode(url.password) };
  url.username = '';
  url.password = '';
  return { address: url.href, login: own };
}

function environment(
  env: NodeJS.ProcessEnv,
  address: string,
  login: { user: string; token: string } | undefined,
  guarded: boolean,
): NodeJS.ProcessEnv {
  const settings: [string, string][] = [['core.hooksPath', '/dev/null']];
  // A redirect would be followed to wherever it leads.
  if (guarded) settings.push(['http.followRedirects', 'false']);
  if (login !== undefined) {
    const basic = Buffer.from(`${login.user}:${login.token}`).toString('base64');
    addSecret(basic);
    addSecret(login.token);
    settings.push([`http.${new URL(address).origin}/.extraHeader`, `Authorization: Basic ${basic}`]);
  }
  const numbered = settings.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return {
    ...env,
    ...Object.fromEntries(numbered),
    GIT_CONFIG_COUNT: String(settings.length),
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'true',
    GIT_ALLOW_PROTOCOL: 'http:https:ssh',
    LC_ALL: 'C',
  };
}

function run(
  args: string[],
  env: NodeJS.ProcessEnv,
  limit: number,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const options = {
    env,
    encoding: 'buffer' as const,
    maxBuffer: limit,
    timeout: 100_000,
    ...(signal === undefined ? {} : { signal }),
  };
  return new Promise((resolve, reject) => {
    execFile('git', args, options, (error, out, said) => {
      if (error === null) return resolve(out);
      if (error.code === 'ENOENT')
        return reject(invalid(`${name} needs the program git, which is not installed`, { cause: error }));
      if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
        return reject(invalid(`${name} is larger than ${limit} bytes, which is the most that one file may have`));
      }
      const words = said.toString('utf8').trim().split('\n').slice(-3).join('; ');
      reject(new Error(redact(words === '' ? `git ended with ${error.code ?? error.signal}` : words)));
    });
  });
}
