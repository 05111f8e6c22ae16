import { invalid } from '../../errors.ts';
import { type ChangedFiles, eventOf, type RepositoryEvent } from '../event.ts';
import { commentCommand } from './comment.ts';
import { eventNames } from './event-names.ts';
import { changedFiles } from './push-files.ts';

/** An event as flags tell it; what is not given stays unknown, or as the payload has it. */
export interface EventFlags {
  /** `--event`: one of {@link eventNames}. */
  event?: string | undefined;
  targetBranch?: string | undefined;
  sourceBranch?: string | undefined;
  /** `--tag v1`: the same as `--target-branch refs/tags/v1`. */
  tag?: string | undefined;
  revision?: string | undefined;
  /** `--changed-files`: paths, each with `added:`, `deleted:`, `renamed:` or `modified:` (the default) before it. */
  changedFiles?: readonly string[] | undefined;
  labels?: readonly string[] | undefined;
  comment?: string | undefined;
  sender?: string | undefined;
  title?: string | undefined;
  pullRequestNumber?: number | undefined;
  /** The PipelineRun that an incoming webhook asks for. */
  targetRun?: string | undefined;
  repoUrl?: string | undefined;
  sourceUrl?: string | undefined;
}

/**
 * The event that flags describe, over the one of a payload where there is one.
 * @throws SubpipeError `INVALID` for an unknown event name, flags that need `--event`, and flags that do not go with it.
 */
export function eventFromFlags(flags: EventFlags, payload?: RepositoryEvent): RepositoryEvent {
  const base =
    payload === undefined ? namedEvent(flags) : { ...payload, ...(flags.event === undefined ? {} : namedKind(flags)) };
  const targetBranch = flags.tag === undefined ? flags.targetBranch : `refs/tags/${flags.tag}`;
  if (flags.tag !== undefined && base.trigger !== 'push')
    throw invalid(`--tag goes with a push, but the event is ${base.trigger}`);
  if (flags.tag !== undefined && flags.targetBranch !== undefined)
    throw invalid('--tag and --target-branch cannot be given together');
  const given: Partial<RepositoryEvent> = {
    targetBranch,
    // A push is on one branch only.
    sourceBranch: flags.sourceBranch ?? (base.trigger === 'push' ? targetBranch : undefined),
    revision: flags.revision,
    labels: flags.labels ?? base.labels,
    sender: flags.sender,
    title: flags.title,
    pullRequestNumber: flags.pullRequestNumber,
    targetRun: flags.targetRun,
    repoUrl: flags.repoUrl,
    targetUrl: base.targetUrl ?? flags.repoUrl,
    sourceUrl: flags.sourceUrl ?? base.sourceUrl ?? flags.repoUrl,
    changed: flags.changedFiles === undefined ? undefined : listedFiles(flags.changedFiles),
    ...(flags.comment === undefined ? {} : commented(flags.comment)),
  };
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const event = { ...base, ...known };
  return targetBranch === undefined
    ? event
    : eventOf({ ...event, tag: eventOf({ trigger: 'push', targetBranch }).tag });
}

function namedEvent(flags: EventFlags): RepositoryEvent {
  if (flags.event === undefined && flags.comment === undefined) {
    throw invalid(`flags about an event need --event: one of ${eventNames.join(', ')}; or a webhook's --payload`);
  }
  return eventOf(namedKind(flags));
}

function namedKind({ event, tag, comment, labels }: EventFlags): Pick<RepositoryEvent, 'trigger' | 'eventType'> {
  const name = event ?? 'comment';
  switch (name) {
    case 'push':
    case 'pull_request':
    case 'pull_request_closed':
      return { trigger: name, eventType: name };
    case 'incoming':
      return { trigger: 'push', eventType: 'incoming' };
    case 'tag':
      if (tag === undefined) throw invalid('--event tag needs --tag: the name of the tag');
      return { trigger: 'push', eventType: 'push' };
    case 'label':
      if (labels === undefined || labels.length === 0)
        throw invalid('--event label needs --labels: all labels of the pull request');
      return { trigger: 'pull_request', eventType: 'pull_request_labeled' };
    case 'comment':
      if (comment === undefined) throw invalid('--event comment needs --comment: its text');
      return { trigger: 'pull_request', eventType: 'no-ops-comment' };
    default:
      throw invalid(`--event must be one of ${eventNames.join(', ')}, but is ${JSON.stringify(name)}`);
  }
}

function commented(comment: string): Partial<RepositoryEvent> {
  const { eventType, targetRun } = commentCommand(comment);
  return { comment, eventType, targetRun };
}

function listedFiles(entries: readonly string[]): ChangedFiles {
  const files: Record<'added' | 'deleted' | 'modified' | 'renamed', string[]> = {
    added: [],
    deleted: [],
    modified: [],
    renamed: [],
  };
  for (const entry of entries) {
    const [, kind, path] = /^(added|deleted|modified|renamed):(.+)$/s.exec(entry) ?? [];
    if (path !== undefined && (kind === 'added' || kind === 'deleted' || kind === 'renamed')) files[kind].push(path);
    else files.modified.push(path ?? entry);
  }
  return changedFiles(files);
}
