/** What real registries and the proxies before them do beside the specification. Default: nothing of it. */
export interface Quirks {
  /** GHCR: a PATCH that says its length must be no longer, else 416 that names the limit. */
  patchLimit?: number;
  /** nginx and others before a registry: 413 for any longer body. */
  bodyLimit?: number;
  /** Amazon ECR: 404 NAME_UNKNOWN for a push to a repository that nobody has created; PATCH is answered with 201. */
  ecr?: boolean;
  /** The answer to every POST with `mount`: 202 starts an upload, the others refuse. */
  mountAnswer?: 202 | 401 | 403 | 404 | 405;
  /** Quay: 415 for manifests with an artifact type. */
  refusesArtifacts?: boolean;
  /** So many manifests are refused, as if their blobs were not there yet. */
  lateBlobs?: number;
  /** So many writes of uploads are answered with 429 and `Retry-After`. */
  busy?: number;
  /** A PATCH or PUT of a blob breaks after so many bytes, which are kept, so many times. */
  cutUploads?: { after: number; times: number };
  /** What is kept of what broke is not what came: the digest is wrong at the end. */
  spoilsUploads?: boolean;
  /** So many chunks are taken, and lost again. */
  losesChunks?: number;
  /** What broke is forgotten: its session is gone. */
  forgetsUploads?: boolean;
  /** A download breaks after so many bytes, so many times. */
  cutDownloads?: { after: number; times: number };
  /** The whole address of an upload, of which others tell the path alone. */
  locate?: (path: string) => string;
  /** Seconds of the `Retry-After` that a 429 tells. Default 0. */
  retryAfter?: number;
  /** `Range` is ignored: always all of it, with 200. */
  noRanges?: boolean;
  /** distribution-spec v1.1 `OCI-Chunk-Min-Length`: chunks but the last must not be shorter. */
  chunkMinimum?: number;
  /** Distribution 2.8.2: `Content-Range` is not looked at. */
  takesAnyOrder?: boolean;
  /** No referrers API, as with Distribution. */
  noReferrers?: boolean;
  /**
   * What reads a repository that nobody has made is refused, unless it comes with a token that may push: 401 by Docker Hub and Quay,
   * 403 by others, and `token` by GHCR, which gives no token for reading it.
   */
  hidesMissing?: 401 | 403 | 'token';
  /** Which deletions work. Default `all`; `digest` is Distribution 2's. */
  deletion?: 'all' | 'digest' | 'none';
  /** Tags, or referrers, on a page. */
  pageSize?: number;
  /** Blobs are at another host, which is told by a redirect. */
  storage?: string;
  /** A streamed PATCH, without a length, is refused with 411. */
  needsLength?: boolean;
}
