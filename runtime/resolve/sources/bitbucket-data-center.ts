import { hasCode, SubpipeError } from '../../errors.ts';
import { encodePath, fieldOf, objectOf, objectsOf } from './answer.ts';
import type { Entry, ForgeApi } from './forge.ts';

const who = 'Bitbucket Data Center';
const pageSize = 1000;

/** Bitbucket Data Center: developer.atlassian.com/server/bitbucket/rest, "Repository" (commits, files, raw). */
export const bitbucketDataCenter: ForgeApi = {
  base: (web) => `${web.origin}${web.pathname.replace(/\/$/, '')}/rest/api/1.0`,

  file: ({ repository, ref, path }) => ({
    path: `${place(repository)}/raw/${encodePath(path)}${ref === undefined ? '' : `?at=${encodeURIComponent(ref)}`}`,
  }),

  async commit(client, repository, ref, signal) {
    const query = new URLSearchParams({ limit: '1', ...(ref === undefined ? {} : { until: ref }) });
    const answer = objectOf(await client.json({ path: `${place(repository)}/commits?${query}` }, signal), who);
    const [newest] = objectsOf(answer.values, who);
    return fieldOf(objectOf(newest, who), 'id', who);
  },

  async list(client, repository, commit, folder, signal) {
    const entries: Entry[] = [];
    for (let start = 0; ; ) {
      const query = new URLSearchParams({ at: commit, limit: `${pageSize}`, start: `${start}` });
      const request = { path: `${place(repository)}/files/${encodePath(folder)}?${query}`, immutable: true };
      const answer = objectOf(
        await client.json(request, signal).catch((error: unknown) => {
          if (hasCode(error, 'NOT_FOUND') && start === 0) return { values: [], isLastPage: true };
          throw error;
        }),
        who,
      );
      if (!Array.isArray(answer.values)) throw new SubpipeError('FAILED', `${who} listed no files`);
      // Names relative to the folder. A link is not told from a file.
      for (const name of answer.values)
        if (typeof name === 'string') entries.push({ path: `${folder}/${name}`, link: false });
      const next = answer.nextPageStart;
      if (answer.isLastPage !== false || typeof next !== 'number' || next <= start) return entries;
      start = next;
    }
  },
};

function place(repository: string): string {
  const [project = '', ...name] = repository.split('/');
  return `/projects/${encodeURIComponent(project)}/repos/${encodeURIComponent(name.join('/'))}`;
}
