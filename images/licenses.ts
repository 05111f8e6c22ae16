import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './project.ts';

/** The license texts of all packages that the bundled files come from, as their licenses ask for. */
export async function licensesOf(inputs: string[]): Promise<string> {
  const folders = inputs.flatMap((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []);
  const texts: string[] = [];
  for (const folder of [...new Set(folders)].sort()) {
    const names = await readdir(join(root, folder));
    const files = names.filter((name) => /^(licen[cs]e|copying|notice)(\.|$|-)/i.test(name)).sort();
    const parts = await Promise.all(files.map((name) => readFile(join(root, folder, name), 'utf8')));
    const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
    texts.push(`${name}\n\n${parts.join('\n').trim() || '(see the license field of its package.json)'}\n`);
  }
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}
