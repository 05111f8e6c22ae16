import { hasCode } from '../../errors.ts';
import type { Fields } from '../../shape.ts';
import { fieldOf, objectOf, objectsOf } from './answer.ts';
import type { ForgeApi } from './forge.ts';

const who = 'GitLab';
const pageSize = 100;

/** GitLab, any host: docs.gitlab.com/api, "Repository files", "Repositories", "Commits". */
export const gitlab: ForgeApi = {
  base: (web) => `${web.origin}/api/v4`,

  file: ({ repository, ref, path }) => ({
    path: `${project(repository)}/repository/files/${encodeURIComponent(path)}/raw?ref=${encodeURIComponent(ref ?? 'HEAD')}`,
  }),

  async commit(client, repository, ref, signal) {
    const path = `${project(repository)}/repository/commits/${encodeURIComponent(ref ?? 'HEAD')}`;
    return fieldOf(objectOf(await client.json({ path }, signal), who), 'id', who);
  },

  async list(client, repository, commit, folder, signal) {
    const entries: Fields[] = [];
    for (let page = 1; ; page++) {
      const query = new URLSearchParams({
        path: folder,
        ref: commit,
        recursive: 'true',
        per_page: `${pageSize}`,
        page: `${page}`,
      });
      const request = { path: `${project(repository)}/repository/tree?${query}`, immutable: true };
      const answer = await client.json(request, signal).catch((error: unknown) => {
        // A folder that is not there is 404 in newer versions, and an empty list in older ones.
        if (hasCode(error, 'NOT_FOUND') && page === 1) return [];
        throw error;
      });
      const found = objectsOf(answer, who);
      entries.push(...found);
      if (found.length < pageSize) break;
    }
    return entries
      .filter(({ type }) => type === 'blob')
      .map((entry) => ({
        path: fieldOf(entry, 'path', who),
        blob: fieldOf(entry, 'id', who),
        link: entry.mode === '120000',
      }));
  },

  entry: (repository, { blob }) =>
    blob === undefined ? undefined : { path: `${project(repository)}/repository/blobs/${blob}/raw`, immutable: true },
};

function project(repository: string): string {
  return `/projects/${encodeURIComponent(repository)}`;
}
