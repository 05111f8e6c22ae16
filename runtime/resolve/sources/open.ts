import { invalid } from '../../errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Log } from '../../log.ts';
import type { RegistryOptions } from '../../oci/connection.ts';
import { digestOf } from '../../oci/digest.ts';
import { addSecret } from '../../redact.ts';
import type { Reference, Wanted } from '../reference.ts';
import type { Fetched, Repository, Sources } from '../sources.ts';
import { Cache } from './cache.ts';
import { type Catalog, catalogMap } from './catalog.ts';
import { Downloader } from './download.ts';
import { ForgeClient } from './forge-client.ts';
import { type ForgeKind, kindOfHost } from './forge-kind.ts';
import { parseRepositoryUrl } from './forge-url.ts';
import { hubOrigin } from './hub.ts';
import { folderOf, inside } from './inside.ts';
import type { Lock } from './lock.ts';
import type { Origin } from './origin.ts';
import { Reader } from './reader.ts';
import { besideUrl, type HomeForge, webOrigin } from './web.ts';

export interface SourcesOptions {
  /** Paths are read from it. */
  repository: Repository;
  /** The forge that private URLs belong to. One that is not understood is as good as none. */
  repoUrl?: string | undefined;
  /** What kind of forge that is, where its host's name does not say so. */
  forge?: ForgeKind | undefined;
  /** Where that forge's API is, where it is not in the usual place. */
  forgeApiUrl?: string | undefined;
  /** For that forge, sent to its host only. */
  token?: string | undefined;
  /** Beside the default one, or in its place; see `parseCatalog` and `catalogsOf`. */
  catalogs?: readonly Catalog[] | undefined;
  /** No cache on disk without one; see `defaultCacheFolder`. */
  cacheFolder?: string | undefined;
  /** Use only what the cache has. */
  offline?: boolean | undefined;
  /** Hold all that is not in the repository to it; see `readLock`. */
  lock?: Lock | undefined;
  /** Whether loopback, link-local and metadata addresses may be asked: a person's command yes, a step only where its param says so. */
  allowPrivateAddresses: boolean;
  /** For references to the cluster. */
  kube?: KubeClient | undefined;
  /** Credentials of registries. Default: the docker config. */
  registry?: RegistryOptions | undefined;
  /** Of the program `git`. Default: this process's. */
  env?: NodeJS.ProcessEnv | undefined;
  /** Bytes of one text. Default 5 MiB. */
  sizeLimit?: number | undefined;
  /** Ms for one text. Default 100,000. */
  timeLimit?: number | undefined;
  signal?: AbortSignal | undefined;
  log: Log;
}

/** The sources of one resolution. @throws SubpipeError `INVALID` for what is wrong with the options. */
export function openSources(options: SourcesOptions): Sources & { readonly requests: number } {
  const { sizeLimit, timeLimit, log, signal, offline } = options;
  if (options.token !== undefined) addSecret(options.token);
  const downloader = new Downloader({ guarded: !options.allowPrivateAddresses, sizeLimit, timeLimit });
  const cache = options.cacheFolder === undefined ? undefined : new Cache(options.cacheFolder, log);
  const reader = new Reader({ cache, offline, lock: options.lock, log, signal });
  // What an API is asked on the way to a source is no source: the lock does not know it.
  const answers = new Reader({ cache, offline, log, signal });
  const home = homeOf(options, downloader, answers);
  const catalogs = catalogMap(options.catalogs ?? []);

  const originOf = async (reference: Exclude<Reference, { kind: 'path' }>, wanted: Wanted): Promise<Origin> => {
    switch (reference.kind) {
      case 'hub': {
        const catalog = catalogs.get(reference.catalog);
        if (catalog === undefined) throw unknownCatalog(reference.catalog, [...catalogs.keys()]);
        const { name, version, id = catalog.id } = reference;
        return hubOrigin({ catalog: { ...catalog, id }, name, version, wanted }, downloader);
      }
      case 'url':
        return webOrigin(reference.url, home, downloader);
      case 'bundle': {
        const { bundleOrigin } = await import('./bundle.ts');
        return bundleOrigin(reference, downloader, options.registry);
      }
      case 'git': {
        const { gitSource } = await import('./git-source.ts');
        return gitSource(reference, {
          home,
          downloader,
          answers,
          env: options.env ?? process.env,
          token: options.token,
        });
      }
      case 'cluster': {
        const { clusterOrigin } = await import('./cluster.ts');
        return clusterOrigin(reference, options.kube);
      }
      default:
        return reference satisfies never;
    }
  };

  return {
    get requests() {
      return downloader.requests;
    },
    async fetch(reference, wanted, callerSignal) {
      if (reference.kind === 'path') {
        const path = inside(reference.path);
        const text = await options.repository.read(path, callerSignal ?? signal);
        return fetched(text, path, (other) => ({ kind: 'path', path: inside(other, folderOf(path)) }));
      }
      const origin = await originOf(reference, wanted);
      const { text, digest } = await reader.read(origin, callerSignal);
      return {
        text,
        digest,
        from: origin.from,
        local: false,
        relative: (path) => beside(reference, origin.from, path, home),
      };
    },
  };
}

function fetched(text: string, from: string, relative: (path: string) => Reference): Fetched {
  return { text, from, digest: digestOf(text), local: true, relative };
}

function beside(
  reference: Exclude<Reference, { kind: 'path' }>,
  from: string,
  path: string,
  home: HomeForge | undefined,
): Reference {
  switch (reference.kind) {
    case 'url':
      return besideUrl(reference.url, path, home);
    case 'git':
      return { ...reference, path: inside(path, folderOf(inside(reference.path))) };
    case 'hub':
    case 'bundle':
    case 'cluster':
      throw invalid(`${from} names the path "${path}", but has no files beside it: expected a name or an address`);
    default:
      return reference satisfies never;
  }
}

/** The forge of the repository; none where its URL says nothing (a folder, or nothing at all). */
function homeOf(options: SourcesOptions, downloader: Downloader, reader: Reader): HomeForge | undefined {
  if (options.repoUrl === undefined || options.repoUrl === '') return undefined;
  let web: URL;
  try {
    web = parseRepositoryUrl(options.repoUrl).base;
  } catch {
    return undefined;
  }
  const clients = new Map<ForgeKind, ForgeClient>();
  const { token, forgeApiUrl: apiUrl } = options;
  return {
    web,
    kind: options.forge ?? kindOfHost(web.hostname),
    hasToken: token !== undefined && token !== '',
    client(kind) {
      const client = clients.get(kind) ?? new ForgeClient({ kind, web, apiUrl, token, downloader, reader });
      clients.set(kind, client);
      return client;
    },
  };
}

function unknownCatalog(name: string, known: string[]) {
  return invalid(`there is no catalogue "${name}": there is ${known.map((one) => `"${one}"`).join(', ')}`, {
    hint: `Give it as --catalog ${name}=URL.`,
  });
}
