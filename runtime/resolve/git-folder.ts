import fs from 'node:fs';
import path from 'node:path';

/** What the files of a work tree's `.git` say; `undefined` in each field that only git itself can tell. */
export interface GitFolder {
  /** The work tree's root, links resolved. */
  root: string;
  /** The SHA of HEAD. */
  revision: string | undefined;
  /** The URL of the remote origin, or upstream; `''` where there is neither. */
  url: string | undefined;
}

/** More than any configuration that a person writes has, and less than what takes time to read. */
const maxConfigBytes = 1024 * 1024;

/**
 * Reads `.git` as it lies on disk (gitrepository-layout), which a process of git's would take some ms for, and a step's image has no git.
 * Only what is plain is read: where git would look further (includes, `insteadOf`, refs in another format), the field is left to git.
 *
 * @param home Where the user's own git configuration is.
 * @returns `undefined` outside of a work tree.
 */
export function readGitFolder(folder: string, home: string): GitFolder | undefined {
  const found = findGit(folder);
  if (found === undefined) return undefined;
  const { root, git } = found;
  if (git === undefined) return { root, revision: undefined, url: undefined };
  const common = read(path.join(git, 'commondir'))?.trim();
  const shared = common === undefined ? git : path.resolve(git, common);
  const config = read(path.join(shared, 'config'));
  const hasFiles = config !== undefined && !/refstorage/i.test(config);
  const plain = hasFiles && !/worktreeconfig|^\s*\[include/im.test(config);
  return {
    root,
    revision: hasFiles ? revisionOf(git, shared, 'HEAD') : undefined,
    url: plain && !elsewhere(config, home) ? remoteOf(config) : undefined,
  };
}

function findGit(folder: string): { root: string; git: string | undefined } | undefined {
  let at: string;
  try {
    at = fs.realpathSync(folder);
  } catch {
    return undefined;
  }
  for (;;) {
    const git = path.join(at, '.git');
    const stat = fs.statSync(git, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) return { root: at, git };
    // A worktree or a submodule: its folder is elsewhere.
    if (stat !== undefined) {
      const target = /^gitdir: (.+)$/m.exec(read(git) ?? '')?.[1];
      return { root: at, git: target === undefined ? undefined : path.resolve(at, target.trimEnd()) };
    }
    if (path.dirname(at) === at) return undefined;
    at = path.dirname(at);
  }
}

/** The SHA that a ref stands for (git-check-ref-format, packed-refs); `undefined` where it is not that easy. */
function revisionOf(git: string, shared: string, name: string): string | undefined {
  let ref = name;
  for (let links = 0; links < 5; links++) {
    const text = read(path.join(ref === 'HEAD' ? git : shared, ref))?.trim() ?? packed(shared, ref);
    if (text === undefined) return undefined;
    if (/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) return text;
    const next = /^ref: (refs\/heads\/\S+)$/.exec(text)?.[1];
    if (next === undefined || next.includes('..')) return undefined;
    ref = next;
  }
  return undefined;
}

function packed(shared: string, ref: string): string | undefined {
  const text = read(path.join(shared, 'packed-refs'), 64 * maxConfigBytes);
  const end = text?.indexOf(` ${ref}\n`) ?? -1;
  return text === undefined || end < 0 ? undefined : text.slice(text.lastIndexOf('\n', end) + 1, end);
}

/** Whether another configuration may have a say about the remote's URL. */
function elsewhere(config: string, home: string): boolean {
  const files = ['/etc/gitconfig', path.join(home, '.gitconfig'), path.join(home, '.config/git/config')];
  return [config, ...files.map((file) => read(file) ?? '')].some(
    (text, index) => /insteadof/i.test(text) || (index > 0 && /^\s*\[(include|remote)/im.test(text)),
  );
}

/** The URL of origin, else of upstream (git-config, "Syntax"); `undefined` where its line needs git's own reader. */
function remoteOf(config: string): string | undefined {
  const urls: Record<string, string[]> = {};
  let remote: string | undefined;
  for (const line of config.split(/\r?\n/)) {
    if (/^\s*\[/.test(line)) {
      if (!/^\s*\[[^\]]*\]\s*([;#].*)?$/.test(line) || /^\s*\[remote\./i.test(line)) return undefined;
      remote = /^\s*\[remote\s+"([^"\\]*)"\]/i.exec(line)?.[1];
      continue;
    }
    const value = /^\s*url\s*=\s*(.*?)\s*$/i.exec(line)?.[1];
    if (remote === undefined || value === undefined) continue;
    if (value === '' || /["\\;#]/.test(value)) return undefined;
    urls[remote] = [...(urls[remote] ?? []), value];
  }
  const found = urls.origin ?? urls.upstream ?? [''];
  return found.length === 1 ? found[0] : undefined;
}

/** A file's text; `undefined` where it is not there, may not be read, or is too large to be what it should. */
function read(file: string, most = maxConfigBytes): string | undefined {
  try {
    const stat = fs.statSync(file);
    return stat.isFile() && stat.size <= most ? fs.readFileSync(file, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}
