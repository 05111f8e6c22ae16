import path from 'node:path';
import { hasCode, invalid } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { addSecret } from '../../redact.ts';
import type { Repository } from '../sources.ts';
import { Cache } from './cache.ts';
import { Downloader } from './download.ts';
import { type Entry, isCommit } from './forge.ts';
import { ForgeClient } from './forge-client.ts';
import { type ForgeKind, kindOfHost } from './forge-kind.ts';
import { parseRepositoryUrl } from './forge-url.ts';
import { inside } from './inside.ts';
import { probeForge } from './probe.ts';
import { publicUrl } from './public-url.ts';
import { Reader } from './reader.ts';

export interface ForgeRepositoryOptions {
  /** `https://HOST/owner/name(.git)`, `git@HOST:owner/name`. */
  url: string;
  /** Branch, tag or commit. Default: the head of the default branch. */
  revision?: string | undefined;
  token?: string | undefined;
  /** Where the host's name does not say it; else the host is asked. */
  forge?: ForgeKind | undefined;
  forgeApiUrl?: string | undefined;
  /** Files at a commit never change, so they are kept. No cache on disk without one. */
  cacheFolder?: string | undefined;
  offline?: boolean | undefined;
  allowPrivateAddresses: boolean;
  sizeLimit?: number | undefined;
  signal?: AbortSignal | undefined;
  log: Log;
}

/** A repository over its forge's API, without a checkout. */
export interface ForgeRepository extends Repository {
  /** The commit that is read: the revision's when it was opened. */
  readonly revision: string;
  readonly forge: ForgeKind;
  /** Requests sent so far. */
  readonly requests: number;
}

/**
 * Opens a repository at a revision: one request for the commit (none where the revision is one), then two for the list of files on most
 * forges, and one a file.
 *
 * @throws SubpipeError `INVALID` where the forge is not known, `NOT_FOUND` where repository or revision are not there, `FORBIDDEN`.
 */
export async function openForgeRepository(options: ForgeRepositoryOptions): Promise<ForgeRepository> {
  const { token, log, signal, sizeLimit, offline, forgeApiUrl: apiUrl } = options;
  if (token !== undefined) addSecret(token);
  const { base, repository } = parseRepositoryUrl(options.url);
  const downloader = new Downloader({ guarded: !options.allowPrivateAddresses, sizeLimit });
  const cache = options.cacheFolder === undefined ? undefined : new Cache(options.cacheFolder, log);
  const reader = new Reader({ cache, offline, log, signal });
  const kind = options.forge ?? kindOfHost(base.hostname) ?? (await probeForge(base, downloader, signal));
  const client = new ForgeClient({ kind, web: base, apiUrl, token, downloader, reader });
  const { api } = client;
  const revision = isCommit(options.revision)
    ? options.revision
    : (await api.commit(client, repository, options.revision, signal)).toLowerCase();
  if (!isCommit(revision))
    throw invalid(
      `${client.host} says that ${options.revision ?? 'the default branch'} is "${revision}", which is no commit`,
    );
  const title = `${publicUrl(new URL(repository, base))} at ${revision.slice(0, 12)}`;

  const read = (file: string, caller?: AbortSignal): Promise<string> =>
    client.text({ ...api.file({ repository, ref: revision, path: file }), immutable: true }, caller);
  const readEntry = async (entry: Entry, caller?: AbortSignal): Promise<string | undefined> => {
    const request = api.entry?.(repository, entry);
    const text = request === undefined ? await read(entry.path, caller) : await client.text(request, caller);
    if (!entry.link) return text;
    const target = targetOf(entry.path, text);
    if (target === undefined) return undefined;
    return await read(target, caller).catch((error: unknown) => {
      // A link to nowhere, or to a folder.
      if (hasCode(error, 'NOT_FOUND')) return undefined;
      throw error;
    });
  };

  return {
    title,
    revision,
    forge: kind,
    get requests() {
      return downloader.requests;
    },
    async files(folder = '.tekton', caller) {
      const entries = await api.list(client, repository, revision, inside(folder), caller);
      const wanted = entries.filter((entry) => /\.ya?ml$/.test(entry.path));
      const texts = await Promise.all(
        wanted.map(async (entry) => ({ path: entry.path, text: await readEntry(entry, caller) })),
      );
      const files = texts.flatMap(({ path: file, text }) => (text === undefined ? [] : [{ path: file, text }]));
      return files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    },
    async read(file, caller) {
      return await read(inside(file), caller);
    },
  };
}

/** What a link points at, if that is inside the repository. */
function targetOf(link: string, text: string): string | undefined {
  try {
    return inside(text.trim(), path.posix.dirname(link));
  } catch {
    return undefined;
  }
}
