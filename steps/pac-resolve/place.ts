import path from 'node:path';
import { hasCode, invalid } from '../../runtime/errors.ts';
import { openCheckout, readNamed, type SourceText, workTreeOf } from '../../runtime/resolve/checkout.ts';
import type { Repository } from '../../runtime/resolve/sources.ts';
import type { Context, Given } from './work.ts';

/** What is resolved, and where it lies. */
export interface Place {
  /** The root of the repository on disk; the working directory where there is none. */
  root: string;
  /** What relative files are relative to. */
  folder: string;
  repository: Repository;
  texts: SourceText[];
  /** Where the repository is read through its forge, without a checkout. */
  remote: { url: string; revision: string } | undefined;
}

/** @throws SubpipeError `INVALID` where nothing is named, or what is named cannot be read; what a forge's API throws. */
export async function openPlace(context: Context, token: string | undefined): Promise<Place> {
  const { params } = context;
  const folder = path.resolve(params.source ?? '.');
  if (params.repository !== undefined) {
    const { repository, texts } = await openRemote(context, params.repository, params.revision, token);
    const remote = { url: params.repository, revision: repository.revision };
    return { root: folder, folder, repository, texts, remote };
  }
  if (params.revision !== undefined) {
    throw invalid('--revision is of the repository that --repository names, and there is none', {
      hint: 'A value for {{ revision }} is given with -p revision=….',
    });
  }
  const names = namesOf(params);
  if (names.length === 0) throw invalid('you need to at least specify a file with -f');
  const texts = readNamed(names, folder);
  const root = workTreeOf(folder) ?? folder;
  return { root, folder, repository: openCheckout(root, folder), texts, remote: undefined };
}

/** What `-f` names; in a Task, and of a repository that is not here, `.tekton`. */
export function namesOf({ filename, source, repository }: Given): readonly string[] {
  return filename.length === 0 && (source !== undefined || repository !== undefined) ? ['.tekton'] : filename;
}

/** A repository at a revision through its forge, and the texts in it that `-f` names. */
export async function openRemote(
  { params, env, log, signal }: Context,
  url: string,
  revision: string | undefined,
  token: string | undefined,
) {
  const { openForgeRepository } = await import('../../runtime/resolve/sources/repository.ts');
  const repository = await openForgeRepository({
    url,
    revision,
    token,
    cacheFolder: await cacheFolderOf(params, env),
    offline: params.offline,
    allowPrivateAddresses: privateAllowed(params, env),
    signal,
    log,
  });
  const textsOf = async (name: string): Promise<SourceText[]> => {
    if (!/\.ya?ml$/.test(name)) return repository.files(name, signal);
    try {
      return [{ path: name, text: await repository.read(name, signal) }];
    } catch (error) {
      const below = hasCode(error, 'NOT_FOUND') ? await repository.files(name, signal) : [];
      if (below.length === 0) throw error;
      return below;
    }
  };
  return { repository, texts: (await Promise.all(namesOf(params).map(textsOf))).flat() };
}

/** A person may ask what a person reaches; a pod only where its param says so. */
export function privateAllowed({ allowPrivateAddresses }: Given, env: NodeJS.ProcessEnv): boolean {
  return allowPrivateAddresses === undefined ? !inPod(env) : allowPrivateAddresses === 'true';
}

/** A person's cache is kept from run to run; a pod has none unless a volume is named. */
export async function cacheFolderOf({ cache }: Given, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (cache !== undefined || inPod(env)) return cache;
  const { defaultCacheFolder } = await import('../../runtime/resolve/sources/cache.ts');
  return defaultCacheFolder(env);
}

export function inPod({ KUBERNETES_SERVICE_HOST }: NodeJS.ProcessEnv): boolean {
  return (KUBERNETES_SERVICE_HOST ?? '') !== '';
}
