import { SubpipeError } from '../../errors.ts';
import { encodePath, fieldOf, objectOf, objectsOf } from './answer.ts';
import type { ApiClient, ForgeApi } from './forge.ts';

const who = 'GitHub';
const raw = 'application/vnd.github.raw+json';

interface TreeEntry {
  path: string;
  mode: string;
  type: string;
  sha: string;
}

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
    // The way down by ids, then everything below at once: two requests for a folder of the root.
    let id = commit;
    for (const name of folder.split('/')) {
      const found = (await tree(client, repository, id, false, signal)).find((entry) => entry.path === name);
      if (found?.type !== 'tree') return [];
      id = found.sha;
    }
    const entries = await tree(client, repository, id, true, signal);
    return entries
      .filter(({ type }) => type === 'blob')
      .map(({ path, mode, sha }) => ({ path: `${folder}/${path}`, blob: sha, link: mode === '120000' }));
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
  return objectsOf(answer.tree, who).map((entry) => ({
    path: fieldOf(entry, 'path', who),
    mode: fieldOf(entry, 'mode', who),
    type: fieldOf(entry, 'type', who),
    sha: fieldOf(entry, 'sha', who),
  }));
}
