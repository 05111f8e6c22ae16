import { invalid } from '../../errors.ts';
import { type BytePath, fromText, parentOf } from '../path.ts';

/**
 * What {@link ExtractOptions.select} takes, for `paths`: files, and folders with all that is in them.
 *
 * @returns undefined when the list is empty: all is wanted.
 * @throws SubpipeError `INVALID` for a path that is absolute or has `..`.
 */
export function selectPaths(paths: readonly string[]): ((path: BytePath) => boolean) | undefined {
  if (paths.length === 0) return undefined;
  return selectBelow(new Set(paths.map(wantedPath)));
}

/** The folders that `paths` are in, but for those that are wanted themselves: of a part, nobody knows what else they have. */
export function foldersAbove(paths: readonly string[]): ReadonlySet<BytePath> {
  const above = new Set<BytePath>();
  const isWanted = selectPaths(paths);
  for (const path of paths) {
    for (let up = parentOf(wantedPath(path)); up !== ''; up = parentOf(up)) if (isWanted?.(up) !== true) above.add(up);
  }
  return above;
}

/** One of `paths`, as it is in a tree. @throws SubpipeError `INVALID` for a path that is absolute or has `..`. */
export function wantedPath(path: string): BytePath {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || parts.includes('..') || parts.length === 0) {
    throw invalid(`paths: expected paths in the workspace, such as "src/main.ts", got "${path}"`);
  }
  return fromText(parts.join('/'));
}

/** Of paths themselves: these, and all that is in them. */
export function selectBelow(wanted: ReadonlySet<string>): (path: BytePath) => boolean {
  return (path) => {
    for (let at: string = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
      if (wanted.has(at)) return true;
    }
    return false;
  };
}
