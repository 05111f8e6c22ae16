import { isFields } from '../../shape.ts';
import { eventOf, type RepositoryEvent } from '../event.ts';
import { commentCommand } from './comment.ts';
import { isZero, type Payload } from './payload-fields.ts';

/** Bitbucket Data Center's `repo:refs_changed` and `pr:…`; `key` is `X-Event-Key`. `event_title` is documented not to be there. */
export function bitbucketDataCenterEvent(payload: Payload, key = payload.text('eventKey')): RepositoryEvent {
  if (key === 'repo:refs_changed') return push(payload);
  if (key === 'pr:opened' || key === 'pr:from_ref_updated' || key === 'pr:comment:added')
    return pullRequest(payload, key);
  throw payload.unsupported(`the event is ${key ?? 'unknown'}`);
}

/** Personal projects have a `~` before their key. The URL to clone from is the one that a Task needs. */
function repository(payload: Payload, path: string, from: string) {
  return {
    repoUrl: cloneUrl(payload, from) ?? browseUrl(payload, path),
    repoOwner: payload.text(`${path}.project.key`)?.replaceAll('~', ''),
    targetUrl: payload.text(`${path}.links.self.0.href`),
    sourceUrl: payload.text(`${from}.links.self.0.href`),
    sender: payload.text('actor.name'),
  };
}

function cloneUrl(payload: Payload, path: string): string | undefined {
  const link = payload.list(`${path}.links.clone`).find((entry) => isFields(entry) && entry.name === 'http');
  return isFields(link) && typeof link.href === 'string' ? link.href : undefined;
}

function browseUrl(payload: Payload, path: string): string | undefined {
  return payload.text(`${path}.links.self.0.href`)?.replace(/\/browse$/, '');
}

function push(payload: Payload): RepositoryEvent {
  const ref = payload.text('changes.0.refId');
  const deleted = payload
    .list('changes')
    .some((change) => isFields(change) && change.type === 'DELETE' && isZero(String(change.toHash)));
  if (deleted) throw payload.unsupported(`${ref} has been deleted`);
  if (ref === undefined) throw payload.unsupported('the push has no changes');
  const message = payload.text('toCommit.message') ?? payload.text('commits.0.message');
  return eventOf({
    ...repository(payload, 'repository', 'repository'),
    repoName: payload.text('repository.slug'),
    trigger: 'push',
    revision: payload.text('changes.0.toHash'),
    sourceBranch: ref,
    targetBranch: ref,
    message,
  });
}

function pullRequest(payload: Payload, key: string): RepositoryEvent {
  const comment = key === 'pr:comment:added' ? (payload.text('comment.text') ?? '') : undefined;
  const { eventType, targetRun } =
    comment === undefined ? { eventType: 'pull_request', targetRun: undefined } : commentCommand(comment);
  if (eventType === 'no-ops-comment')
    throw payload.unsupported('the comment is no command, and Bitbucket has no on-comment');
  return eventOf({
    ...repository(payload, 'pullRequest.toRef.repository', 'pullRequest.fromRef.repository'),
    repoName: payload.text('pullRequest.toRef.repository.name'),
    trigger: 'pull_request',
    eventType,
    targetRun,
    comment,
    revision: payload.text('pullRequest.fromRef.latestCommit'),
    sourceBranch: payload.text('pullRequest.fromRef.displayId'),
    targetBranch: payload.text('pullRequest.toRef.displayId'),
    pullRequestNumber: payload.number('pullRequest.id'),
  });
}
