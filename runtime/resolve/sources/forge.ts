import { bitbucketCloud } from './bitbucket-cloud.ts';
import { bitbucketDataCenter } from './bitbucket-data-center.ts';
import type { ForgeKind } from './forge-kind.ts';
import type { FileAtRef } from './forge-url.ts';
import { gitea } from './gitea.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';

/** A request of a forge's API, relative to the API's base. */
export interface ApiRequest {
  path: string;
  accept?: string;
  /** The answer never changes: what is asked for is named by a commit or blob. */
  immutable?: boolean;
}

/** Asks a forge's API. Each distinct request is sent once. @throws SubpipeError `NOT_FOUND`, `FORBIDDEN`, `UNAVAILABLE`. */
export interface ApiClient {
  text(request: ApiRequest, signal?: AbortSignal): Promise<string>;
  json(request: ApiRequest, signal?: AbortSignal): Promise<unknown>;
}

/** A file in a folder's listing. */
export interface Entry {
  /** From the repository's root. */
  path: string;
  /** The blob's id, where the listing has it. */
  blob?: string;
  /** A symbolic link: its text is the path that it points at. */
  link: boolean;
}

/** One kind of forge: where its API is and what to ask for. */
export interface ForgeApi {
  /** The API's base for the base of the web pages, without `/` at its end. */
  base(web: URL): string;
  /** The plain file. `ref` may be a branch, tag or commit. */
  file(at: FileAtRef): ApiRequest;
  /** Asks first where the API cannot take a ref as it is. Default: nothing to ask. */
  settle?(client: ApiClient, at: FileAtRef, signal?: AbortSignal): Promise<FileAtRef>;
  /** The id of the commit that a branch, tag or commit is; of the default branch's head where there is none. */
  commit(client: ApiClient, repository: string, ref: string | undefined, signal?: AbortSignal): Promise<string>;
  /** All files of a folder and below it; empty where there is no such folder. */
  list(client: ApiClient, repository: string, commit: string, folder: string, signal?: AbortSignal): Promise<Entry[]>;
  /** What a listing's entry holds. Default: {@link file} at the commit. */
  entry?(repository: string, entry: Entry): ApiRequest | undefined;
}

export function forgeApi(kind: ForgeKind): ForgeApi {
  switch (kind) {
    case 'github':
      return github;
    case 'gitlab':
      return gitlab;
    case 'gitea':
      return gitea;
    case 'bitbucket-cloud':
      return bitbucketCloud;
    case 'bitbucket-data-center':
      return bitbucketDataCenter;
    default:
      return kind satisfies never;
  }
}

/** Whether a ref is a commit's whole id, which means the same forever. */
export function isCommit(ref: string | undefined): ref is string {
  return ref !== undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(ref);
}
