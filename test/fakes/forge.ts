import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HttpServer, serve } from '../support/http-server.ts';

export type FakeForgeKind = 'github' | 'gitlab' | 'bitbucket-cloud' | 'bitbucket-data-center';

export interface FakeRepository {
  /** `owner/name`; groups on GitLab. */
  name: string;
  private?: boolean;
  /** Files of each branch by path; a text that begins with `-> ` is a link. */
  branches: Record<string, Record<string, string>>;
}

interface Commit {
  id: string;
  files: Record<string, string>;
}

export interface FakeForge extends AsyncDisposable {
  url: string;
  kind: FakeForgeKind;
  /** `GET /api/v3/… 200`, in order. */
  requests: string[];
  /** What the `authorization`, `private-token` and `job-token` headers were, in the order of the requests. */
  credentials: (string | undefined)[];
  /** The JSON of the answers, in the order of the requests; undefined where the answer is none. */
  answers: unknown[];
  /** The commit that a branch is at. */
  commit(repository: string, branch: string): string;
  server: HttpServer;
}

/** What a forge answers: a status and a body. */
type Answer = { status: number; json?: unknown; text?: string; location?: string };

const notFound: Answer = { status: 404, json: { message: 'Not Found' } };
const hex = (text: string): string => createHash('sha1').update(text).digest('hex');

/**
 * A forge in memory with the API paths that resolving needs, as strict as the real ones: private repositories are 404 (GitLab,
 * GitHub) or 401 without the token in the right header, pages are small, refs and paths are percent-decoded once.
 */
export async function startForge(
  kind: FakeForgeKind,
  repositories: readonly FakeRepository[],
  options: {
    token?: string;
    pageSize?: number;
    intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
  } = {},
): Promise<FakeForge> {
  const requests: string[] = [];
  const credentials: (string | undefined)[] = [];
  const answers: unknown[] = [];
  const commits = new Map<string, Commit>();
  for (const { name, branches } of repositories) {
    for (const [branch, files] of Object.entries(branches)) {
      commits.set(`${name} ${branch}`, { id: hex(`${name} ${branch} ${JSON.stringify(files)}`), files });
    }
  }
  const world: World = {
    commitOf(name, ref) {
      const branch = (ref ?? 'HEAD') === 'HEAD' ? 'main' : (ref ?? '').replace(/^refs\/heads\//, '');
      const byName = commits.get(`${name} ${branch}`);
      return byName ?? [...commits].find(([key, { id }]) => key.startsWith(`${name} `) && id === ref)?.[1];
    },
    filesOf: (name) =>
      [...commits].filter(([key]) => key.startsWith(`${name} `)).flatMap(([, { files }]) => Object.values(files)),
    pageSize: options.pageSize ?? 100,
  };
  const server = await serve((request, response) => {
    const { authorization, 'private-token': privateToken, 'job-token': jobToken } = request.headers;
    const credential = authorization ?? (privateToken ?? jobToken)?.toString();
    credentials.push(credential);
    if (options.intercept?.(request, response) === true) {
      requests.push(`${request.method} ${request.url} intercepted`);
      answers.push(undefined);
      return;
    }
    const url = new URL(request.url ?? '/', 'http://forge');
    const right = options.token !== undefined && credential === expected(kind, options.token);
    const answer = answerTo[kind](
      url,
      world,
      (name) => {
        const repository = repositories.find((one) => one.name === name);
        return repository !== undefined && (repository.private !== true || right);
      },
      request,
    );
    requests.push(`${request.method} ${request.url} ${answer.status}`);
    answers.push(answer.status === 200 ? answer.json : undefined);
    const body = answer.text ?? (answer.json === undefined ? '' : JSON.stringify(answer.json));
    const etag = `"${hex(body)}"`;
    const headers = {
      'content-type': answer.text === undefined ? 'application/json' : 'text/plain; charset=utf-8',
      etag,
    };
    if (answer.location !== undefined) response.writeHead(answer.status, { location: answer.location }).end();
    else if (answer.status === 200 && request.headers['if-none-match'] === etag)
      response.writeHead(304, { etag }).end();
    else response.writeHead(answer.status, headers).end(body);
  });
  return {
    url: server.url,
    kind,
    requests,
    credentials,
    answers,
    server,
    commit: (repository, branch) => commits.get(`${repository} ${branch}`)?.id ?? 'none',
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

interface World {
  commitOf(repository: string, ref: string | undefined): Commit | undefined;
  filesOf(repository: string): string[];
  pageSize: number;
}

function expected(kind: FakeForgeKind, token: string): string {
  if (token.includes(':')) return `Basic ${Buffer.from(token).toString('base64')}`;
  return kind === 'gitlab' ? token : `Bearer ${token}`;
}

type Handler = (url: URL, world: World, may: (repository: string) => boolean, request: IncomingMessage) => Answer;

const decoded = (text: string | undefined): string => decodeURIComponent(text ?? '');
const isLink = (text: string): boolean => text.startsWith('-> ');
const contentOf = (text: string): string => (isLink(text) ? text.slice(3) : text);

function fileAnswer(
  world: World,
  may: (name: string) => boolean,
  name: string,
  ref: string | undefined,
  path: string,
): Answer {
  const text = may(name) ? world.commitOf(name, ref)?.files[path] : undefined;
  return text === undefined ? notFound : { status: 200, text: contentOf(text) };
}

const answerTo: Record<FakeForgeKind, Handler> = {
  github(url, world, may, request) {
    const api = /^\/api\/v3\/repos\/([^/]+\/[^/]+)\/(contents|commits|git\/trees|git\/blobs)\/(.*)$/.exec(url.pathname);
    const accept = request.headers.accept ?? '';
    if (url.pathname === '/api/v3/meta') return { status: 200, json: { installed_version: '3.17.0' } };
    if (api === null) {
      const raw = /^\/([^/]+\/[^/]+)\/raw\/([^/]+)\/(.*)$/.exec(url.pathname);
      if (raw === null) return { status: 200, text: '<!doctype html><title>sign in</title>' };
      return fileAnswer(world, may, decoded(raw[1]), decoded(raw[2]), decoded(raw[3]));
    }
    const [, repository = '', what, rest = ''] = api;
    const name = decoded(repository);
    if (!may(name)) return notFound;
    const ref = url.searchParams.get('ref') ?? undefined;
    if (what === 'contents') {
      return accept.includes('raw') ? fileAnswer(world, may, name, ref, decoded(rest)) : { status: 415 };
    }
    if (what === 'commits') {
      const commit = world.commitOf(name, decoded(rest));
      return commit === undefined
        ? { status: 422, json: { message: 'No commit found' } }
        : { status: 200, text: commit.id };
    }
    if (what === 'git/blobs') {
      const text = world.filesOf(name).find((one) => hex(one) === rest);
      return text === undefined || !accept.includes('raw') ? notFound : { status: 200, text: contentOf(text) };
    }
    // A tree's id here is COMMIT or the sha1 of "COMMIT:FOLDER", as good as any.
    const commit = [...commitsOf(world, name)].find(({ id }) => id === rest || foldersOf(id, world, name).has(rest));
    if (commit === undefined) return notFound;
    const folder = foldersOf(commit.id, world, name).get(rest) ?? '';
    const deep = url.searchParams.has('recursive');
    return { status: 200, json: { sha: rest, truncated: false, tree: treeOf(commit, folder, deep) } };
  },

  gitlab(url, world, may) {
    if (url.pathname === '/api/v4/version') return { status: 401, json: { message: '401 Unauthorized' } };
    const api = /^\/api\/v4\/projects\/([^/]+)\/repository\/(.*)$/.exec(url.pathname);
    if (api === null) {
      const raw = /^\/(.+)\/-\/raw\/([^/]+)\/(.*)$/.exec(url.pathname);
      if (raw === null) return { status: 404, json: {} };
      const name = decoded(raw[1]);
      if (!may(name)) return { status: 302, location: '/users/sign_in' };
      return fileAnswer(world, may, name, decoded(raw[2]), decoded(raw[3]));
    }
    const name = decoded(api[1]);
    if (!may(name)) return { status: 404, json: { message: '404 Project Not Found' } };
    const rest = api[2] ?? '';
    const file = /^files\/([^/]+)\/raw$/.exec(rest);
    if (file !== null) return fileAnswer(world, may, name, url.searchParams.get('ref') ?? undefined, decoded(file[1]));
    const blob = /^blobs\/([0-9a-f]+)\/raw$/.exec(rest);
    if (blob !== null) {
      const text = world.filesOf(name).find((one) => hex(one) === blob[1]);
      return text === undefined ? notFound : { status: 200, text: contentOf(text) };
    }
    const commit = /^commits\/([^/]+)$/.exec(rest);
    if (commit !== null) {
      const found = world.commitOf(name, decoded(commit[1]));
      return found === undefined ? notFound : { status: 200, json: { id: found.id } };
    }
    if (rest !== 'tree') return notFound;
    const at = world.commitOf(name, url.searchParams.get('ref') ?? undefined);
    const folder = url.searchParams.get('path') ?? '';
    if (at === undefined || !Object.keys(at.files).some((path) => path.startsWith(`${folder}/`))) return notFound;
    const all = treeOf(at, folder, true).map(({ path, sha, ...entry }) => ({
      ...entry,
      id: sha,
      path: `${folder}/${path}`,
    }));
    const size = Math.min(Number(url.searchParams.get('per_page') ?? 20), 100);
    const page = Number(url.searchParams.get('page') ?? 1);
    return { status: 200, json: all.slice((page - 1) * size, page * size) };
  },

  'bitbucket-cloud'(url, world, may) {
    const api = /^\/2\.0\/repositories\/([^/]+\/[^/]+)(?:\/(src|commits)(?:\/(.*))?)?$/.exec(url.pathname);
    if (api === null) return notFound;
    const [, repository = '', what, rest = ''] = api;
    const name = decoded(repository);
    if (!may(name)) return { status: 403, json: { type: 'error' } };
    if (what === undefined) return { status: 200, json: { mainbranch: { name: 'main' } } };
    if (what === 'commits') {
      const commit = world.commitOf(name, url.searchParams.get('include') ?? undefined);
      return commit === undefined ? notFound : { status: 200, json: { values: [{ hash: commit.id }] } };
    }
    const [ref = '', ...path] = rest.split('/');
    // As with the real one: a ref with a slash is not found, encoded or not.
    const commit = /%2f/i.test(ref) ? undefined : world.commitOf(name, decoded(ref));
    if (commit === undefined) return notFound;
    const file = path.map(decoded).join('/');
    if (!file.endsWith('/')) return fileAnswer(world, may, name, decoded(ref), file);
    const folder = file.slice(0, -1);
    const all = treeOf(commit, folder, true).map(({ path: at, type, mode }) => ({
      path: `${folder}/${at}`,
      type: type === 'tree' ? 'commit_directory' : 'commit_file',
      attributes: mode === '120000' ? ['link'] : [],
    }));
    if (all.length === 0) return notFound;
    const page = Number(url.searchParams.get('page') ?? 1);
    const next = new URL(url);
    next.searchParams.set('page', `${page + 1}`);
    const more = page * world.pageSize < all.length ? { next: next.href } : {};
    return { status: 200, json: { values: all.slice((page - 1) * world.pageSize, page * world.pageSize), ...more } };
  },

  'bitbucket-data-center'(url, world, may) {
    if (url.pathname === '/rest/api/1.0/application-properties')
      return { status: 200, json: { buildNumber: '8019000' } };
    const web = /^\/projects\/([^/]+)\/repos\/([^/]+)\/raw\/(.*)$/.exec(url.pathname);
    const api = /^\/rest\/api\/1\.0\/projects\/([^/]+)\/repos\/([^/]+)\/(raw|files|commits)(?:\/(.*))?$/.exec(
      url.pathname,
    );
    const [project, slug] = (web ?? api ?? []).slice(1, 3).map(decoded);
    const name = `${project}/${slug}`;
    if (!may(name)) return { status: 401, json: { errors: [] } };
    const ref = url.searchParams.get('at') ?? undefined;
    if (web !== null) return fileAnswer(world, may, name, ref, decoded(web[3]));
    if (api?.[3] === 'raw') return fileAnswer(world, may, name, ref, decoded(api[4]));
    if (api?.[3] === 'commits') {
      const commit = world.commitOf(name, url.searchParams.get('until') ?? undefined);
      return commit === undefined ? notFound : { status: 200, json: { values: [{ id: commit.id }] } };
    }
    const commit = world.commitOf(name, ref);
    if (commit === undefined) return notFound;
    const all = treeOf(commit, decoded(api?.[4]), true)
      .filter(({ type }) => type === 'blob')
      .map(({ path }) => path);
    if (all.length === 0) return notFound;
    const start = Number(url.searchParams.get('start') ?? 0);
    const end = start + world.pageSize;
    const isLastPage = end >= all.length;
    return { status: 200, json: { values: all.slice(start, end), isLastPage, nextPageStart: isLastPage ? null : end } };
  },
};

interface TreeEntry {
  path: string;
  mode: string;
  type: 'blob' | 'tree';
  sha: string;
}

/** What is in a folder, and with `deep` below it, by path relative to it. */
function treeOf(commit: Commit, folder: string, deep: boolean): TreeEntry[] {
  const prefix = folder === '' ? '' : `${folder}/`;
  const entries = new Map<string, TreeEntry>();
  for (const [file, text] of Object.entries(commit.files)) {
    if (!file.startsWith(prefix)) continue;
    const parts = file.slice(prefix.length).split('/');
    for (let depth = 1; depth < parts.length; depth++) {
      const path = parts.slice(0, depth).join('/');
      if (deep || depth === 1)
        entries.set(path, { path, mode: '040000', type: 'tree', sha: hex(`${commit.id}:${prefix}${path}`) });
    }
    if (deep || parts.length === 1) {
      const path = parts.join('/');
      entries.set(path, { path, mode: isLink(text) ? '120000' : '100644', type: 'blob', sha: hex(text) });
    }
  }
  return [...entries.values()];
}

function commitsOf(world: World, name: string): Commit[] {
  return ['main', 'feature/one'].flatMap((branch) => world.commitOf(name, branch) ?? []);
}

function foldersOf(id: string, world: World, name: string): Map<string, string> {
  const commit = world.commitOf(name, id);
  const trees = commit === undefined ? [] : treeOf(commit, '', true).filter(({ type }) => type === 'tree');
  return new Map(trees.map(({ sha, path }) => [sha, path]));
}
