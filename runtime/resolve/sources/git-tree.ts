import type { Fields } from '../../shape.ts';
import { fieldOf } from './answer.ts';
import type { Entry } from './forge.ts';

/** An entry of a git tree, as the APIs of GitHub and Gitea give it. */
export interface TreeEntry {
  path: string;
  mode: string;
  type: string;
  sha: string;
}

/**
 * The files of a folder and below: the way down by ids, then everything below at once, which is two requests for a folder of the root.
 * @param tree The entries of a tree by its id, with `deep` those of all trees below.
 */
export async function filesBelow(
  folder: string,
  commit: string,
  tree: (id: string, deep: boolean) => Promise<TreeEntry[]>,
): Promise<(Entry & { blob: string })[]> {
  let id = commit;
  for (const name of folder.split('/')) {
    const found = (await tree(id, false)).find((entry) => entry.path === name);
    if (found?.type !== 'tree') return [];
    id = found.sha;
  }
  return (await tree(id, true))
    .filter(({ type }) => type === 'blob')
    .map(({ path, mode, sha }) => ({ path: `${folder}/${path}`, blob: sha, link: mode === '120000' }));
}

/** @throws SubpipeError `FAILED` where a field is missing. */
export function treeEntry(entry: Fields, who: string): TreeEntry {
  return {
    path: fieldOf(entry, 'path', who),
    mode: fieldOf(entry, 'mode', who),
    type: fieldOf(entry, 'type', who),
    sha: fieldOf(entry, 'sha', who),
  };
}
