import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import path from 'node:path';

const backend = path.join(spawnSync('git', ['--exec-path']).stdout?.toString().trim() ?? '', 'git-http-backend');

/** For tests that need it: `it(name, withGit, …)`. */
export const withGit = { skip: existsSync(backend) ? false : 'the program git is not installed' };

/** Commits all files of `work` to the branch main of a new bare repository, with other branches. @returns the commit. */
export function makeRepository(work: string, bare: string, branches: readonly string[] = []): string {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-C', work, ...args])
      .toString()
      .trim();
  execFileSync('git', ['init', '-q', '-b', 'main', work]);
  git('add', '.');
  git('commit', '-q', '--allow-empty', '-m', 'one');
  for (const branch of branches) git('branch', branch);
  execFileSync('git', ['clone', '-q', '--bare', work, bare]);
  return git('rev-parse', 'HEAD');
}

/** git's own CGI program, which serves all repositories below `folder` (git-http-backend(1)). */
export function gitBackend(folder: string): RequestListener {
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://git');
    const child = spawn(backend, {
      env: {
        GIT_PROJECT_ROOT: folder,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      },
    });
    request.pipe(child.stdin);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('close', () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      const headers = Object.fromEntries(
        all
          .subarray(0, end)
          .toString()
          .split('\r\n')
          .map((line): [string, string] => {
            const [name = '', value = ''] = line.split(/: (.*)/s, 2);
            return [name, value];
          }),
      );
      response.writeHead(Number.parseInt(headers.Status ?? '200', 10), headers).end(all.subarray(end + 4));
    });
  };
}
