import type { Fields } from '../shape.ts';

/** What happened in a repository, as Pipelines-as-Code tells the `{{ variables }}` and the matching annotations of it. */
export interface RepositoryEvent {
  /** `push`, `pull_request` or `pull_request_closed`: Pipelines-as-Code's trigger, CEL's `event`. */
  trigger: Trigger;
  /** Finer: `incoming`, `pull_request_labeled`, `Merge Request`, a comment's type such as `test-comment` or `on-comment`. */
  eventType: string;
  /** The commit's SHA. */
  revision: string | undefined;
  /** The branch it came from, maybe with `refs/heads/`. */
  sourceBranch: string | undefined;
  /** The branch it goes to (pull request) or is on (push), maybe with `refs/heads/`; `refs/tags/NAME` for a tag. */
  targetBranch: string | undefined;
  tag: string | undefined;
  repoUrl: string | undefined;
  sourceUrl: string | undefined;
  /** CEL's `target_url`. */
  targetUrl: string | undefined;
  repoOwner: string | undefined;
  repoName: string | undefined;
  sender: string | undefined;
  /** Of the pull request; of the commit for a push. */
  title: string | undefined;
  pullRequestNumber: number | undefined;
  labels: readonly string[];
  comment: string | undefined;
  /** The one PipelineRun that `/test NAME`, or an incoming webhook, asks for. */
  targetRun: string | undefined;
  /** The commit's message: `[skip ci]` in it starts nothing. */
  message: string | undefined;
  /** The webhook's payload and headers, where there are any. */
  body: Fields | undefined;
  headers: Readonly<Record<string, string>>;
  /** `undefined` where nobody knows. */
  changed: ChangedFiles | undefined;
}

export type Trigger = 'push' | 'pull_request' | 'pull_request_closed';

/** Paths relative to the repository's root; a renamed file has its new one. */
export interface ChangedFiles {
  all: readonly string[];
  added: readonly string[];
  deleted: readonly string[];
  modified: readonly string[];
  renamed: readonly string[];
}

/** An event of which only `known` is known. `eventType` is the trigger unless given; `tag` comes from `refs/tags/`. */
export function eventOf(known: Partial<RepositoryEvent> & { trigger: Trigger }): RepositoryEvent {
  return {
    eventType: known.trigger,
    revision: undefined,
    sourceBranch: undefined,
    targetBranch: undefined,
    tag: tagOf(known.targetBranch),
    repoUrl: undefined,
    sourceUrl: undefined,
    targetUrl: undefined,
    repoOwner: undefined,
    repoName: undefined,
    sender: undefined,
    title: undefined,
    pullRequestNumber: undefined,
    labels: [],
    comment: undefined,
    targetRun: undefined,
    message: undefined,
    body: undefined,
    headers: {},
    changed: undefined,
    ...known,
  };
}

function tagOf(ref: string | undefined): string | undefined {
  return ref?.startsWith('refs/tags/') === true ? ref.slice('refs/tags/'.length) : undefined;
}

/** For people: `pull_request of docs to main`. */
export function titleOf(event: RepositoryEvent): string {
  const kind = event.eventType === event.trigger ? event.trigger : `${event.trigger} (${event.eventType})`;
  const to = event.targetBranch === undefined ? '' : ` to ${branchName(event.targetBranch)}`;
  const from =
    event.sourceBranch === undefined || event.trigger === 'push' ? '' : ` from ${branchName(event.sourceBranch)}`;
  return `${kind}${from}${to}`;
}

/** A branch without its `refs/heads/`, once; `refs-heads-` counts too, as in Pipelines-as-Code. */
export function branchName(ref: string): string {
  for (const prefix of ['refs/heads/', 'refs-heads-']) if (ref.startsWith(prefix)) return ref.slice(prefix.length);
  return ref;
}
