import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** The project's folder. */
export const root = path.join(import.meta.dirname, '../..');

const passedOver = new Set(['node_modules', 'dist', '.cache', '.git']);

/** All files of the project with an ending, relative to its folder, without those that git ignores. */
export async function filesNamed(ending: string, folder = ''): Promise<string[]> {
  const entries = await readdir(path.join(root, folder), { withFileTypes: true });
  const found = await Promise.all(
    entries.map((entry) => {
      const name = path.join(folder, entry.name);
      if (entry.isDirectory()) return passedOver.has(entry.name) ? [] : filesNamed(ending, name);
      return entry.isFile() && entry.name.endsWith(ending) ? [name] : [];
    }),
  );
  return found.flat().sort();
}

/** A fenced block of a Markdown file. */
export interface Block {
  /** `FILE:LINE` of its first line, for errors. */
  where: string;
  /** The word behind the fence. */
  language: string;
  text: string;
  /** Why no test runs it, from the comment on the line above, `<!-- not run: REASON -->`. */
  notRun: string | undefined;
}

/** The fenced blocks of a Markdown text, without the indentation of the list they may stand in. */
export function blocksOf(markdown: string, file: string): Block[] {
  const fences =
    /(?:^ *<!-- not run: (?<notRun>.+?) -->\n)?^(?<indent> *)```(?<language>\w*).*\n(?<text>(?:.*\n)*?) *```$/gm;
  return [...markdown.matchAll(fences)].map(({ index, groups = {} }) => ({
    where: `${file}:${markdown.slice(0, index).split('\n').length + (groups.notRun === undefined ? 1 : 2)}`,
    language: groups.language ?? '',
    text: (groups.text ?? '').replaceAll(new RegExp(`^${groups.indent}`, 'gm'), ''),
    notRun: groups.notRun,
  }));
}

/** The YAML blocks of a Markdown file, given relative to the project's folder. */
export async function yamlBlocksOf(file: string): Promise<Block[]> {
  const blocks = blocksOf(await readFile(path.join(root, file), 'utf8'), file);
  return blocks.filter(({ language }) => language === 'yaml' || language === 'yml');
}
