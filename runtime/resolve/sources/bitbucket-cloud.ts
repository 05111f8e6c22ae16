import { hasCode } from '../../errors.ts';
import { encodePath, fieldOf, objectOf, objectsOf } from './answer.ts';
import type { ApiClient, Entry, ForgeApi } from './forge.ts';

const who = 'Bitbucket';

/** Bitbucket Cloud: developer.atlassian.com/cloud/bitbucket/rest, "Source", "Commits". */
export const bitbucketCloud: ForgeApi = {
  base: (web) => (web.hostname === 'bitbucket.org' ? 'https://api.bitbucket.org/2.0' : `${web.origin}/2.0`),

  file: ({ repository, ref, path }) => ({
    path: `/repositories/${encodePath(repository)}/src/${encodeURIComponent(ref ?? 'HEAD')}/${encodePath(path)}`,
  }),

  /** A ref with a slash does not fit into the API's path, encoded or not. */
  async settle(client, at, signal) {
    if (at.ref?.includes('/') !== true) return at;
    return { ...at, ref: await commitOf(client, at.repository, at.ref, signal) };
  },

  async commit(client, repository, ref, signal) {
    if (ref !== undefined) return await commitOf(client, repository, ref, signal);
    const answer = objectOf(await client.json({ path: `/repositories/${encodePath(repository)}` }, signal), who);
    const main = fieldOf(objectOf(answer.mainbranch, who), 'name', who);
    return await commitOf(client, repository, main, signal);
  },

  async list(client, repository, commit, folder, signal) {
    const entries: Entry[] = [];
    const first = `/repositories/${encodePath(repository)}/src/${commit}/${encodePath(folder)}/?max_depth=20&pagelen=100`;
    for (let path: string | undefined = first; path !== undefined; ) {
      const request = { path, immutable: true };
      const answer: unknown = await client.json(request, signal).catch((error: unknown) => {
        if (hasCode(error, 'NOT_FOUND') && path === first) return { values: [] };
        throw error;
      });
      const { values, next } = objectOf(answer, who);
      for (const value of objectsOf(values, who)) {
        if (value.type !== 'commit_file') continue;
        // A list, though the published description has one word.
        const link = [value.attributes].flat().includes('link');
        entries.push({ path: fieldOf(value, 'path', who), link });
      }
      // An address, of which only what comes after the page's number matters: requests stay with the API's base.
      path = typeof next === 'string' ? withPage(first, next) : undefined;
    }
    return entries;
  },
};

function withPage(first: string, next: string): string | undefined {
  const page = URL.parse(next)?.searchParams.get('page');
  return page === null || page === undefined ? undefined : `${first}&page=${encodeURIComponent(page)}`;
}

async function commitOf(client: ApiClient, repository: string, ref: string, signal?: AbortSignal): Promise<string> {
  const query = new URLSearchParams({ include: ref, pagelen: '1' });
  const path = `/repositories/${encodePath(repository)}/commits?${query}`;
  const answer = objectOf(await client.json({ path }, signal), who);
  const [newest] = objectsOf(answer.values, who);
  return fieldOf(objectOf(newest, who), 'hash', who);
}
