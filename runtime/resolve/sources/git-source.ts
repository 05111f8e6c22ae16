import type { Downloader } from './download.ts';
import { ForgeClient } from './forge-client.ts';
import { kindOfHost } from './forge-kind.ts';
import { parseRepositoryUrl } from './forge-url.ts';
import { checkGitFile, type GitFile, gitName, gitOrigin } from './git.ts';
import type { Origin } from './origin.ts';
import type { Reader } from './reader.ts';
import { gitUser } from './token.ts';
import { type HomeForge, webOrigin } from './web.ts';

interface GitOptions {
  home: HomeForge | undefined;
  downloader: Downloader;
  answers: Reader;
  env: NodeJS.ProcessEnv;
  token: string | undefined;
}

/**
 * A file of a git repository: one request where the forge is known (its API, or the raw address of a public GitHub or GitLab), the
 * program `git` where it is not. The token goes along where the repository is on the home forge.
 */
export function gitSource(file: GitFile, options: GitOptions): Origin {
  checkGitFile(file);
  const { home, downloader } = options;
  const { base, repository } = parseRepositoryUrl(file.url);
  const isHome = home !== undefined && base.host === home.web.host && base.protocol === home.web.protocol;
  const kind = isHome ? home.kind : kindOfHost(base.hostname);
  const at = { repository, ref: file.revision, path: file.path };
  const name = gitName(file);
  const hasLogin = !!URL.parse(file.url)?.password;
  if (kind === undefined || hasLogin) {
    const login = isHome && options.token !== undefined ? { user: gitUser(kind), token: options.token } : undefined;
    return gitOrigin(file, { downloader, env: options.env, login });
  }
  if (isHome && home.hasToken) return home.client(kind).file(at, name);
  if (kind === 'github' || kind === 'gitlab') {
    const dash = kind === 'gitlab' ? '/-' : '';
    const path = file.path.split('/').map(encodeURIComponent).join('/');
    const raw = new URL(`/${repository}${dash}/raw/${encodeURIComponent(file.revision)}/${path}`, base).href;
    return { ...webOrigin(raw, home, downloader), from: name };
  }
  const client = isHome ? home.client(kind) : new ForgeClient({ kind, web: base, downloader, reader: options.answers });
  return client.file(at, name);
}
