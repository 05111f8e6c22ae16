import { type BytePath, fromLatin1, fromText, nameOf, shown } from '../../runtime/archive/path.ts';
import { selectPaths } from '../../runtime/archive/tree/select.ts';
import { SubpipeError } from '../../runtime/errors.ts';
import type { Output } from '../output.ts';
import { type Content, contentOf, type Item } from './content.ts';
import { imagesOf, type Reading } from './context.ts';
import { exactPath, jsonText } from './json.ts';
import { formatMode, formatTime, type Row, rowsText } from './table.ts';

export interface LsOptions {
  reference: string;
  /** Default: the root. */
  path: string | undefined;
  recursive: boolean;
  long: boolean;
  json: boolean;
  merge: 'error' | 'first' | 'last';
}

/** Lists a folder of a workspace, or a file. @throws SubpipeError `NOT_FOUND` where there is no such path. */
export async function ls(options: LsOptions, reading: Reading, stdout: Output): Promise<number> {
  const { reference, path = '', recursive, long, json, merge } = options;
  const words = path.split('/').filter((part) => part !== '' && part !== '.');
  if (words.length > 0) selectPaths([path]); // refuses paths outside
  const at = fromText(words.join('/'));
  const paths = words.length === 0 ? [] : [words.join('/')];
  const content = await contentOf(await imagesOf(reference, reading), { paths, merge }, reading);
  const found = listed(content, at, recursive);
  if (found === undefined) {
    throw new SubpipeError('NOT_FOUND', `${reference} has no ${shown(at)}`, {
      hint: 'Run subpipe workspace ls -R to see all that it has.',
    });
  }
  if (json) stdout.write(jsonText(found.map(jsonOf)));
  else stdout.write(rowsText(found.map((item) => rowOf(item, at, recursive, long))));
  return 0;
}

/** Undefined where nothing has this path. */
function listed(content: Content, at: BytePath, recursive: boolean): Item[] | undefined {
  const own = content.get(at);
  if (own !== undefined && own.type !== 'folder') return [own];
  const prefix = at === '' ? '' : `${at}/`;
  const found = new Map<string, Item>();
  let isThere = at === '' || own !== undefined;
  for (const [path, item] of content) {
    if (!path.startsWith(prefix) || path === at) continue;
    isThere = true;
    const rest = path.slice(prefix.length).split('/');
    const depths = recursive ? rest.length : 1;
    // Layers of other programs need not name the folders that things are in.
    for (let depth = 1; depth <= depths; depth++) {
      const name = fromLatin1(prefix + rest.slice(0, depth).join('/'));
      if (depth === rest.length) found.set(name, item);
      else if (!found.has(name)) found.set(name, content.get(name) ?? implied(name));
    }
  }
  if (!isThere) return undefined;
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function implied(path: BytePath): Item {
  return { path, type: 'folder', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0, nanoseconds: 0 };
}

function rowOf(item: Item, at: BytePath, recursive: boolean, long: boolean): Row {
  const { path, type, mode, uid, gid, size, target, linkTo } = item;
  const below = at === '' || path === at ? path : path.slice(at.length + 1);
  const name = `${shown(recursive ? below : nameOf(path))}${type === 'folder' ? '/' : ''}`;
  if (!long) return [name];
  const to = type === 'symlink' ? ` -> ${shown(target ?? '')}` : linkTo === undefined ? '' : ` = ${shown(linkTo)}`;
  const bytes = type === 'file' ? String(size) : '-';
  return [formatMode(type, mode), `${uid}:${gid}`, { right: bytes }, formatTime(item.mtime), `${name}${to}`];
}

function jsonOf(item: Item): Record<string, unknown> {
  const { path, type, mode, uid, gid, size, target, linkTo, content } = item;
  return {
    path: exactPath(path),
    type,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    ...(type === 'file' ? { size } : {}),
    modified: formatTime(item.mtime),
    ...(target === undefined ? {} : { target: exactPath(fromLatin1(target)) }),
    ...(linkTo === undefined ? {} : { linkTo: exactPath(linkTo) }),
    ...(content === undefined ? {} : { digest: content }),
  };
}
