import { hasCode } from '../../runtime/errors.ts';
import type { ResolvedRun } from '../../runtime/resolve/resolved.ts';
import type { Lock } from '../../runtime/resolve/sources/lock.ts';
import type { Repository, Sources } from '../../runtime/resolve/sources.ts';
import { cacheFolderOf, type Place, privateAllowed } from './place.ts';
import type { Variables } from './variables.ts';
import type { Context } from './work.ts';

export interface FetchingOptions {
  /** Where paths are read. */
  repository: Repository;
  variables: Variables;
  token: string | undefined;
  /** What remote texts are held to. */
  lock: () => Promise<Lock | undefined>;
}

/** Opened with the first fetch: most repositories need none. */
export function lazySources(context: Context, place: Place, options: FetchingOptions): Sources {
  const { params, env, kube, log, signal } = context;
  let opened: Promise<Sources> | undefined;
  const open = async (): Promise<Sources> => {
    const [{ openSources }, { parseCatalog }] = await Promise.all([
      import('../../runtime/resolve/sources/open.ts'),
      import('../../runtime/resolve/sources/catalog.ts'),
    ]);
    return openSources({
      repository: options.repository,
      repoUrl: place.remote?.url ?? (await options.variables.repoUrl()),
      token: options.token,
      catalogs: catalogWords(params.catalogs).map(parseCatalog),
      cacheFolder: await cacheFolderOf(params, env),
      offline: params.offline,
      lock: await options.lock(),
      allowPrivateAddresses: privateAllowed(params, env),
      kube,
      env,
      signal,
      log,
    });
  };
  return {
    async fetch(reference, wanted, caller) {
      opened ??= open();
      return (await opened).fetch(reference, wanted, caller);
    },
  };
}

/** The lock file of a repository, where it has one. */
export async function lockOf(repository: Repository, signal: AbortSignal): Promise<Lock | undefined> {
  const { lockPath, parseLock } = await import('../../runtime/resolve/sources/lock.ts');
  try {
    return await parseLock(await repository.read(lockPath, signal));
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** Writes the digests of what is remote; files of the repository are held by its commit. */
export async function writeLockOf(root: string, runs: readonly ResolvedRun[]): Promise<void> {
  const { writeLock } = await import('../../runtime/resolve/sources/lock.ts');
  const remote = runs.flatMap(({ fetched }) => fetched.filter((one) => !one.local));
  await writeLock(root, remote);
}

/** `type=` and `id=` belong to the catalogue before them. */
function catalogWords(words: readonly string[]): string[] {
  const catalogs: string[] = [];
  for (const word of words) {
    const last = catalogs.pop();
    if (last === undefined) catalogs.push(word);
    else if (/^(type|id)=/.test(word)) catalogs.push(`${last},${word}`);
    else catalogs.push(last, word);
  }
  return catalogs;
}
