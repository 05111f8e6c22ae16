import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { makeFolder } from '../../support/folder.ts';
import { serve } from '../../support/http-server.ts';
import type { CorpusCase } from '../corpus/case.ts';

/** A case on disk, and the server that it names. */
export interface Place extends AsyncDisposable {
  folder: string;
  remote: string;
  args: readonly string[];
  /** No kubeconfig, no git repository around, no proxy, no token. */
  env: NodeJS.ProcessEnv;
  /** The file that `-o` names. */
  output: string | undefined;
}

export async function placeOf(one: CorpusCase): Promise<Place> {
  const open = new AsyncDisposableStack();
  const server = open.use(
    await serve((request, response) => {
      const text = one.remote?.[request.url ?? ''];
      response.writeHead(text === undefined ? 404 : 200);
      response.end(text?.replaceAll('{{REMOTE}}', server.url));
    }),
  );
  const folder = open.use(await makeFolder());
  const home = open.use(await makeFolder());
  for (const [name, text] of Object.entries(one.files))
    await folder.write(name, text.replaceAll('{{REMOTE}}', server.url));
  if (one.origin !== undefined) await commit(folder.path, one.origin);
  const args = one.args ?? ['-f', '.tekton'];
  const output = args[args.indexOf('-o') + 1];
  return {
    folder: folder.path,
    remote: server.url,
    args,
    env: {
      HOME: home.path,
      PATH: process.env.PATH,
      TMPDIR: home.path,
      GIT_CEILING_DIRECTORIES: path.dirname(folder.path),
      ...one.env,
    },
    output: args.includes('-o') && output !== undefined ? path.join(folder.path, output) : undefined,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** One commit that is the same each time: `{{ revision }}` is its SHA. */
async function commit(cwd: string, origin: string): Promise<void> {
  const who = { NAME: 'test', EMAIL: 'test@example.com', DATE: '2026-01-01T00:00:00Z' };
  const names = Object.entries(who).flatMap(([key, value]) => [
    [`GIT_AUTHOR_${key}`, value],
    [`GIT_COMMITTER_${key}`, value],
  ]);
  const env = { PATH: process.env.PATH, HOME: cwd, GIT_CONFIG_NOSYSTEM: '1', ...Object.fromEntries(names) };
  const git = (...args: string[]) => promisify(execFile)('git', args, { cwd, env });
  await git('init', '--quiet', '--initial-branch=main');
  await git('remote', 'add', 'origin', origin);
  await git('add', '.');
  await git('commit', '--quiet', '--no-gpg-sign', '-m', 'all');
}
