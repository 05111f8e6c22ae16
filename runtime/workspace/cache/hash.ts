import { createHash, type Hash } from 'node:crypto';
import { createReadStream, lstatSync } from 'node:fs';
import { fromText, locator, toBytes } from '../../archive/path.ts';
import { linkTarget, type TreeNode } from '../../archive/tree/node.ts';
import { scanTree } from '../../archive/tree/scan.ts';

/** Hex digits of a hash in a key: as many as git's ids have, so that a key with some of them still is a tag. */
const digits = 40;

/**
 * One hash of all files that match: of their paths and contents (sha256, cut). Times and modes make no difference.
 *
 * @param patterns gitignore patterns from the top of `folder` on: `package-lock.json` is that at the top only,
 * `**` any folder, a folder all that is in it; with `!` in front it leaves out, wherever it stands.
 * @returns undefined where no file matches.
 */
export async function hashFiles(
  folder: string,
  patterns: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const files = filesAtTop(folder, patterns) ?? (await filesIn(folder, patterns, signal));
  if (files.length === 0) return undefined;
  const hash = createHash('sha256');
  const at = locator(folder);
  for (const node of files) {
    hash.update(toBytes(node.path)).update('\0');
    // Its own hash first, so that the end of one file is never the beginning of the next.
    hash.update(await contentOf(node, folder, at(node.path), signal));
  }
  return hash.digest('hex').slice(0, digits);
}

type File = Pick<TreeNode, 'path' | 'type'>;

async function filesIn(folder: string, patterns: readonly string[], signal: AbortSignal | undefined): Promise<File[]> {
  const isOut = (pattern: string) => pattern.startsWith('!');
  const include = patterns.filter((pattern) => !isOut(pattern)).map(fromTop);
  const exclude = patterns.filter(isOut).map((pattern) => fromTop(pattern.slice(1)));
  const tree = await scanTree(folder, { include, exclude, ignoreFile: false, signal });
  return tree.nodes.filter(({ type }) => type !== 'folder');
}

/** Plain names, as most keys have them, need no look at all that is in the folder. Undefined where they are not. */
function filesAtTop(folder: string, patterns: readonly string[]): File[] | undefined {
  if (!patterns.every((pattern) => /^\.?\w[\w.-]*$/.test(pattern))) return undefined;
  const files: File[] = [];
  for (const name of [...new Set(patterns)].sort()) {
    const found = lstatSync(`${folder}/${name}`, { throwIfNoEntry: false });
    if (found?.isFile() === true) files.push({ path: fromText(name), type: 'file' });
    else if (found !== undefined) return undefined;
  }
  return files;
}

async function contentOf(
  node: File,
  root: string,
  full: string | Buffer,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const hash: Hash = createHash('sha256').update(node.type);
  if (node.type === 'symlink') hash.update(toBytes(linkTarget({ root }, node.path)));
  else for await (const piece of createReadStream(full, { signal })) hash.update(piece);
  return hash.digest();
}

function fromTop(pattern: string): string {
  return `/${pattern.replace(/^(\.?\/)+/, '')}`;
}
