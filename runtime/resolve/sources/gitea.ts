import { encodePath, fieldOf, objectOf, objectsOf } from './answer.ts';
import type { ApiClient, ForgeApi } from './forge.ts';
import { filesBelow, type TreeEntry, treeEntry } from './git-tree.ts';

const who = 'Gitea';

/** Gitea and Forgejo: docs.gitea.com/api, "repository". */
export const gitea: ForgeApi = {
  base: (web) => `${web.origin}/api/v1`,

  file: ({ repository, ref, path }) => ({
    path: `/repos/${encodePath(repository)}/raw/${encodePath(path)}${ref === undefined ? '' : `?ref=${encodeURIComponent(ref)}`}`,
  }),

  async commit(client, repository, ref, signal) {
    const query = new URLSearchParams({ limit: '1', stat: 'false', verification: 'false', files: 'false' });
    if (ref !== undefined) query.set('sha', ref);
    const path = `/repos/${encodePath(repository)}/commits?${query}`;
    const [newest] = objectsOf(await client.json({ path }, signal), who);
    return fieldOf(objectOf(newest, who), 'sha', who);
  },

  async list(client, repository, commit, folder, signal) {
    const files = await filesBelow(folder, commit, (id, deep) => tree(client, repository, id, deep, signal));
    // A blob by its id comes as base64 here: files are read by their paths.
    return files.map(({ path, link }) => ({ path, link }));
  },
};

async function tree(
  client: ApiClient,
  repository: string,
  id: string,
  deep: boolean,
  signal?: AbortSignal,
): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  for (let page = 1; ; page++) {
    const query = new URLSearchParams({ recursive: String(deep), per_page: '1000', page: `${page}` });
    const path = `/repos/${encodePath(repository)}/git/trees/${id}?${query}`;
    const answer = objectOf(await client.json({ path, immutable: true }, signal), who);
    const found = objectsOf(answer.tree ?? [], who).map((entry) => treeEntry(entry, who));
    entries.push(...found);
    const total = typeof answer.total_count === 'number' ? answer.total_count : 0;
    if (answer.truncated !== true || found.length === 0 || entries.length >= total) return entries;
  }
}
