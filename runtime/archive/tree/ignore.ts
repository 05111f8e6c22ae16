import type { BytePath } from '../path.ts';
import { toBytes } from '../path.ts';

/** The file in a workspace whose patterns say what stays out of its image. */
export const ignoreFile = '.ociignore';

export interface Patterns {
  /** gitignore patterns; a path that matches stays out. */
  exclude?: readonly string[];
  /** gitignore patterns; where there are any, only files that match get in. */
  include?: readonly string[];
}

/** What the scan asks: a folder that is out is not entered. */
export interface Selection {
  has(path: BytePath, folder: boolean): boolean;
  /** Whether a folder is wanted for itself, also when there is nothing in it. */
  wants(folder: BytePath): boolean;
}

/**
 * Patterns in gitignore's syntax (gitignore(5)), read by the package `ignore`. As with git, nothing below an excluded
 * folder can get in again. The patterns see names as UTF-8. Undefined when there are no patterns: then all gets in.
 */
export async function selection(patterns: Patterns): Promise<Selection | undefined> {
  const { exclude = [], include = [] } = patterns;
  if (exclude.length === 0 && include.length === 0) return undefined;
  const { default: ignore } = await import('ignore');
  // As git on Linux: names that differ in case are two names.
  const rules = { allowRelativePaths: true, ignorecase: false };
  const out = ignore(rules).add([...exclude]);
  const chosen = include.length === 0 ? undefined : ignore(rules).add([...include]);
  return {
    has(path, folder) {
      const text = toBytes(path).toString('utf8') + (folder ? '/' : '');
      if (out.ignores(text)) return false;
      // A folder may have something that is wanted, whatever it is called.
      return chosen === undefined || folder || chosen.ignores(text);
    },
    wants(folder) {
      return chosen === undefined || chosen.ignores(`${toBytes(folder).toString('utf8')}/`);
    },
  };
}
