import { invalid } from '../../errors.ts';
import { type ForgeKind, kindOfHost } from './forge-kind.ts';
import { inside } from './inside.ts';
import { safeDecode } from './public-url.ts';

/** A file of a repository on a forge. */
export interface FileAtRef {
  /** `owner/name`; on GitLab any depth of groups; on Data Center `PROJECT/name`. */
  repository: string;
  /** Branch, tag or commit; the default branch where there is none. */
  ref: string | undefined;
  /** From the repository's root. */
  path: string;
}

/** A forge's blob or raw URL, taken apart. */
export interface ForgeUrl extends FileAtRef {
  kind: ForgeKind;
  /** The branch as the URL spells it, if it may be cut short: an unencoded `/` begins the path. */
  ambiguousRef: string | undefined;
  /** The same URL for another path of the repository; the ref is spelled as it was (`%2F` stays). */
  at(path: string): string;
  /** Where the forge gives the plain file to whoever may read it, without its API. */
  raw: string;
}

interface Parts {
  repository: string[];
  ref: string | undefined;
  /** Index of the path's first segment. */
  path: number;
  /** Index of the segment to say `raw` in, and what to say. */
  raw: [number, string];
}

/**
 * Takes a blob or raw URL apart. Its shape decides which forge's it is, where `kind` does not.
 *
 * @returns nothing where the URL is not one of a file in a repository.
 */
export function parseForgeUrl(input: string | URL, kind?: ForgeKind): ForgeUrl | undefined {
  const url = new URL(input);
  const segments = url.pathname.slice(1).split('/');
  const shape = kind ?? kindOfHost(url.hostname) ?? kindOfShape(segments);
  const parts = shape === undefined ? undefined : partsOf(shape, url, segments);
  if (shape === undefined || parts === undefined) return undefined;
  const path = segments.slice(parts.path).map(safeDecode).join('/');
  if (path === '' || path.endsWith('/')) return undefined;
  const respelled = (change: (segments: string[]) => string[]): string => {
    const next = new URL(url);
    next.hash = '';
    next.pathname = `/${change([...segments]).join('/')}`;
    // Data Center has its ref in the query; GitHub's ?token= is good for one file only.
    if (shape !== 'bitbucket-data-center') next.search = '';
    return next.href;
  };
  return {
    kind: shape,
    repository: parts.repository.map(safeDecode).join('/'),
    ref: parts.ref === undefined ? undefined : safeDecode(parts.ref),
    path: inside(path),
    ambiguousRef:
      parts.ref === undefined ||
      parts.path + 1 >= segments.length ||
      /%2f|\/|^[0-9a-f]{40}$/i.test(parts.ref) ||
      shape === 'bitbucket-data-center'
        ? undefined
        : parts.ref,
    at: (other) =>
      respelled((all) => [...all.slice(0, parts.path), ...inside(other).split('/').map(encodeURIComponent)]),
    raw: url.hostname.startsWith('raw.') ? url.href : respelled((all) => all.with(...parts.raw)),
  };
}

/** Shapes that one forge alone has; GitHub's `/blob/` comes last. */
function kindOfShape(segments: string[]): ForgeKind | undefined {
  const dash = segments.indexOf('-');
  if (dash > 1 && /^(blob|raw)$/.test(segments[dash + 1] ?? '')) return 'gitlab';
  if (/^(src|raw|media)$/.test(segments[2] ?? '') && /^(branch|tag|commit)$/.test(segments[3] ?? '')) return 'gitea';
  if (/^(browse|raw)$/.test(segments[indexOfProject(segments) + 4] ?? '')) return 'bitbucket-data-center';
  if (/^(blob|raw)$/.test(segments[2] ?? '')) return 'github';
  return undefined;
}

function partsOf(kind: ForgeKind, url: URL, segments: string[]): Parts | undefined {
  switch (kind) {
    case 'github':
      return githubParts(url, segments);
    case 'gitlab': {
      const dash = segments.indexOf('-');
      const word = dash > 1 ? dash + 1 : segments.findIndex((segment, at) => at > 1 && /^(blob|raw)$/.test(segment));
      if (!/^(blob|raw)$/.test(segments[word] ?? '')) return undefined;
      return {
        repository: segments.slice(0, dash > 1 ? dash : word),
        ref: segments[word + 1],
        path: word + 2,
        raw: [word, 'raw'],
      };
    }
    case 'gitea': {
      if (!/^(src|raw|media)$/.test(segments[2] ?? '')) return undefined;
      const typed = /^(branch|tag|commit)$/.test(segments[3] ?? '') ? 4 : 3;
      return { repository: segments.slice(0, 2), ref: segments[typed], path: typed + 1, raw: [2, 'raw'] };
    }
    case 'bitbucket-cloud':
      if (!/^(src|raw)$/.test(segments[2] ?? '')) return undefined;
      return { repository: segments.slice(0, 2), ref: segments[3], path: 4, raw: [2, 'raw'] };
    case 'bitbucket-data-center': {
      const at = indexOfProject(segments);
      const [place, project, , name, word] = segments.slice(at);
      if (project === undefined || name === undefined || !/^(browse|raw)$/.test(word ?? '')) return undefined;
      const owner = place === 'users' && !project.startsWith('~') ? `~${project}` : project;
      const ref = /(?:^\?|&)at=([^&]*)/.exec(url.search)?.[1];
      return { repository: [owner, name], ref, path: at + 5, raw: [at + 4, 'raw'] };
    }
    default:
      return kind satisfies never;
  }
}

/** GitHub: `/O/R/blob/REF/PATH`; raw on a host of its own (`raw.HOST/O/R/REF/PATH`) or below `/raw/`. */
function githubParts(url: URL, segments: string[]): Parts | undefined {
  const ownHost = url.hostname.startsWith('raw.');
  const below = segments[0] === 'raw' && segments.length > 4;
  const start = ownHost ? 0 : below ? 1 : undefined;
  if (start === undefined && !/^(blob|raw)$/.test(segments[2] ?? '')) return undefined;
  const at = start === undefined ? 3 : start + 2;
  const repository = segments.slice(start ?? 0, (start ?? 0) + 2);
  const raw: [number, string] = start === undefined ? [2, 'raw'] : [0, segments[0] ?? ''];
  // refs/heads/main/… is how GitHub spells its raw links now.
  const full = segments[at] === 'refs' && /^(heads|tags)$/.test(segments[at + 1] ?? '');
  if (!full) return { repository, ref: segments[at], path: at + 1, raw };
  return { repository, ref: segments.slice(at, at + 3).join('/'), path: at + 3, raw };
}

/** `projects/P/repos/R` and `users/U/repos/R`, which a context path may come before. */
function indexOfProject(segments: string[]): number {
  const repos = segments.indexOf('repos');
  const at = repos - 2;
  return at >= 0 && /^(projects|users)$/.test(segments[at] ?? '') ? at : segments.length;
}

/** Where a repository is, from its address: `https://HOST/owner/name(.git)`, `git@HOST:owner/name.git`, `ssh://…`. */
export interface RepositoryUrl {
  /** Scheme and host of the forge's web pages, and the context path of a Data Center. */
  base: URL;
  repository: string;
}

/** @throws SubpipeError `INVALID` where it is no address of a repository. */
export function parseRepositoryUrl(text: string): RepositoryUrl {
  const scp = /^(?:[\w.-]+@)?([\w.-]+):(?!\/\/)(.+)$/.exec(text);
  const url = scp === null ? URL.parse(text) : URL.parse(`https://${scp[1]}/${scp[2]?.replace(/^\//, '')}`);
  const segments = (url?.pathname ?? '')
    .split('/')
    .filter((segment) => segment !== '')
    .map(safeDecode);
  if (url === null || url.hostname === '' || segments.length < 2 || !/^(https?|ssh|git):$/.test(url.protocol)) {
    throw invalid(
      `the repository's URL "${shown(text)}" is not understood: expected one like https://github.com/owner/name`,
    );
  }
  const web = /^https?:$/.test(url.protocol) ? url.origin : `https://${url.hostname}`;
  const last = segments.length - 1;
  segments[last] = (segments[last] ?? '').replace(/\.git$/, '');
  // Data Center: /scm/PROJECT/name.git to clone, /projects/PROJECT/repos/name for people.
  const project = indexOfProject(segments);
  const start = segments.indexOf('scm');
  if (project < segments.length) {
    const [place, owner = '', , name = ''] = segments.slice(project);
    const base = new URL(`/${segments.slice(0, project).join('/')}`, web);
    return { base, repository: `${place === 'users' && !owner.startsWith('~') ? '~' : ''}${owner}/${name}` };
  }
  if (start >= 0 && segments.length === start + 3) {
    return {
      base: new URL(`/${segments.slice(0, start).join('/')}`, web),
      repository: segments.slice(start + 1).join('/'),
    };
  }
  return { base: new URL('/', web), repository: segments.join('/') };
}

function shown(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//');
}
