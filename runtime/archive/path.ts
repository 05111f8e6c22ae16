import { Buffer } from 'node:buffer';
import { SubpipeError } from '../errors.ts';

declare const bytes: unique symbol;

/**
 * A path below a tree's root, with `/` between its parts: each character stands for one byte ("latin1"). Names on Linux
 * are bytes and need not be UTF-8; this way none is changed, and comparing two compares their bytes. The root is ''.
 */
export type BytePath = string & { readonly [bytes]: true };

export const rootPath = fromBytes(Buffer.alloc(0));

export function fromBytes(name: Uint8Array): BytePath {
  return fromLatin1(Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1'));
}

/** From ordinary text, such as a flag's. */
export function fromText(text: string): BytePath {
  return fromBytes(Buffer.from(text, 'utf8'));
}

/** From what Node's fs gives with the encoding `latin1`. */
export function fromLatin1(text: string): BytePath {
  return text as BytePath;
}

/** {@link fromLatin1} of each. */
export function allFromLatin1(texts: string[]): BytePath[] {
  return texts as BytePath[];
}

export function join(folder: BytePath, name: string): BytePath {
  return fromLatin1(folder === '' ? name : `${folder}/${name}`);
}

/** The folder that `path` is in; of a path at the top, the root. */
export function parentOf(path: BytePath): BytePath {
  const at = path.lastIndexOf('/');
  return fromLatin1(at < 0 ? '' : path.slice(0, at));
}

/** Whether a path, which is not the root, has this parent, without making a text of it: there are as many paths as things in a tree. */
export function isDirectlyIn(path: BytePath, folder: BytePath): boolean {
  if (folder === '') return path !== '' && !path.includes('/');
  const at = folder.length;
  return path.charCodeAt(at) === slash && path.startsWith(folder) && path.indexOf('/', at + 1) < 0;
}

const slash = 0x2f;

export function nameOf(path: BytePath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function toBytes(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1');
}

/** For people: UTF-8 where it is, `\xNN` for other bytes and for control characters. */
export function shown(path: string): string {
  const raw = Buffer.from(path, 'latin1');
  const text = raw.toString('utf8');
  const exact = Buffer.from(text, 'utf8').equals(raw) ? text : path;
  const odd = exact === text ? /\p{Cc}/gu : /[^ -~]/g;
  return exact.replace(odd, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Where things of a tree are on this machine: `(path) => ` what Node's fs takes. ASCII needs no buffer. */
export function locator(root: string): (path: BytePath) => string | Buffer {
  const prefix = Buffer.from(root === '/' ? '/' : `${root}/`);
  return (path) => {
    if (path === '') return root;
    for (let i = 0; i < path.length; i++) {
      if (path.charCodeAt(i) > 0x7f) return Buffer.concat([prefix, toBytes(path)]);
    }
    return `${root}/${path}`;
  };
}

/** PATH_MAX of Linux: nobody can name what is longer, and each folder of it costs as much as the path is long. */
export const longestPath = 4096;

/**
 * The path of a tar entry, without `./` in front and `/` at the end.
 * @throws SubpipeError `FAILED` when it is absolute, or has `..` or a NUL: nothing good has, and nothing is written; and when it is
 * longer than any path may be.
 */
export function entryPath(name: string, source: string): BytePath {
  if (name.length > longestPath) {
    const what = `${source} has an entry with a path of ${name.length} bytes, "${shown(name.slice(0, 40))}…"`;
    throw new SubpipeError('FAILED', `${what}: no more than ${longestPath} are possible`);
  }
  if (isPlain(name)) return fromLatin1(name);
  let path = name;
  if (
    path.endsWith('/') ||
    path.startsWith('./') ||
    path.includes('//') ||
    path.includes('/./') ||
    path.endsWith('/.') ||
    path === '.'
  ) {
    if (path.startsWith('/')) throw outside(name, source);
    path = path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/');
  }
  if (
    path.startsWith('/') ||
    path.includes('\0') ||
    path === '..' ||
    path.startsWith('../') ||
    path.endsWith('/..') ||
    path.includes('/../')
  ) {
    throw outside(name, source);
  }
  return fromLatin1(path);
}

/** Whether all parts are there, and none begins with a dot: as of nearly all paths. */
function isPlain(path: string): boolean {
  let begins = true;
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code === 0 || (begins && (code === 0x2f || code === 0x2e))) return false;
    begins = code === 0x2f;
  }
  return !begins;
}

function outside(name: string, source: string): SubpipeError {
  const what = `${source} has the entry "${shown(name)}"`;
  return new SubpipeError('FAILED', `${what}: expected a relative path without "..", nothing was written`);
}
