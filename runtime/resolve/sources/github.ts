import { SubpipeError } from '../../errors.ts';
import { encodePath, objectOf, objectsOf } from './answer.ts';
import type { ApiClient, ForgeApi } from './forge.ts';
import { filesBelow, type TreeEntry, treeEntry } from './git-tree.ts';

const who = 'GitHub';
const raw = 'application/vnd.github.raw+json';

/** GitHub (api.github.com) and GitHub Enterprise Server (HOST/api/v3): docs.github.com/rest, "Contents", "Git trees", "Git blobs". */
export const github: ForgeApi = {
  base: (web) => (/^(www\.)?github\.com$/.test(web.hostname) ? 'https://api.github.com' : `${web.origin}/api/v3`),

  file: ({ repository, ref, path }) => ({
    path: `/repos/${encodePath(repository)}/contents/${encodePath(path)}${ref === undefined ? '' : `?ref=${encodeURIComponent(ref)}`}`,
    accept: raw,
  }),

  async commit(client, repository, ref, signal) {
    const path = `/repos/${encodePath(repository)}/commits/${encodeURIComponent(ref ?? 'HEAD')}`;
    return (await client.text({ path, accept: 'application/vnd.github.sha' }, signal)).trim();
  },

  async list(client, repository, commit, folder, signal) {
    return await filesBelow(folder, commit, (id, deep) => tree(client, repository, id, deep, signal));
  },

  entry: (repository, { blob }) =>
    blob === undefined
      ? undefined
      : { path: `/repos/${encodePath(repository)}/git/blobs/${blob}`, accept: raw, immutable: true },
};

async function tree(
  client: ApiClient,
  repository: string,
  id: string,
  deep: boolean,
  signal?: AbortSignal,
): Promise<TreeEntry[]> {
  const path = `/repos/${encodePath(repository)}/git/trees/${id}${deep ? '?recursive=1' : ''}`;
  const answer = objectOf(await client.json({ path, immutable: true }, signal), who);
  if (answer.truncated === true) {
    throw new SubpipeError('FAILED', `${repository} has more files in one folder than ${who} lists`, {
      hint: 'Resolve a checkout of it instead.',
    });
  }
  return objectsOf(answer.tree, who).map((entry) => treeEntry(entry, who));
}
