import type { Fields } from '../shape.ts';

/** What happened in a repository, as Pipelines-as-Code tells the `{{ variables }}` and the matching annotations of it. */
export interface RepositoryEvent {
  /** `push`, `pull_request`, `incoming`, or a comment's event such as `on-comment`; PAC's `event_type` is finer. */
  trigger: string;
  eventType: string;
  /** The commit's SHA. */
  revision: string | undefined;
  /** The branch it came from: PAC's `source_branch`. */
  sourceBranch: string | undefined;
  /** The branch it goes to (pull request) or is on (push): PAC's `target_branch`. */
  targetBranch: string | undefined;
  tag: string | undefined;
  repoUrl: string | undefined;
  sourceUrl: string | undefined;
  repoOwner: string | undefined;
  repoName: string | undefined;
  sender: string | undefined;
  title: string | undefined;
  pullRequestNumber: number | undefined;
  labels: readonly string[];
  comment: string | undefined;
  /** The webhook's payload and headers, where there are any. */
  body: Fields | undefined;
  headers: Readonly<Record<string, string>>;
  changed: ChangedFiles;
}

/** Paths relative to the repository's root. */
export interface ChangedFiles {
  all: readonly string[];
  added: readonly string[];
  deleted: readonly string[];
  modified: readonly string[];
  renamed: readonly string[];
}
