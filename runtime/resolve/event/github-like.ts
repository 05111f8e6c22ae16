import { eventOf, type RepositoryEvent } from '../event.ts';
import { commentCommand } from './comment.ts';
import { isZero, type Payload } from './payload-fields.ts';
import { pushFiles } from './push-files.ts';

// What GitHub's payloads, and those that Gitea and Forgejo have made after them, have in common.

/** @param names A user's name is in these fields: the first that is there counts. */
export function repositoryOf(payload: Payload, names: readonly string[]) {
  const url = payload.text('repository.html_url');
  const nameOf = (user: string) =>
    names.map((name) => payload.text(`${user}.${name}`)).find((one) => one !== undefined);
  return {
    repoUrl: url,
    targetUrl: url,
    sourceUrl: url,
    repoOwner: nameOf('repository.owner'),
    repoName: payload.text('repository.name'),
    sender: nameOf('sender'),
  };
}

export type RepositoryFields = ReturnType<typeof repositoryOf>;

export function pushOf(payload: Payload, repository: RepositoryFields): RepositoryEvent {
  const ref = payload.text('ref');
  if (isZero(payload.text('after'))) throw payload.unsupported(`${ref} has been deleted`);
  const message = payload.text('head_commit.message');
  return eventOf({
    ...repository,
    trigger: 'push',
    revision: payload.text('head_commit.id') ?? payload.text('before'),
    sourceBranch: ref,
    targetBranch: ref,
    title: message,
    message,
    changed: pushFiles(payload, 'head_commit'),
  });
}

/**
 * @param starts Actions that start runs. @param labels The one that tells of a new label.
 * @throws SubpipeError `INVALID` for any other action but `closed`.
 */
export function pullRequestOf(
  payload: Payload,
  repository: RepositoryFields,
  { starts, labels }: { starts: readonly string[]; labels: string },
): RepositoryEvent {
  const action = payload.text('action');
  if (action === undefined || ![...starts, labels, 'closed'].includes(action)) {
    throw payload.unsupported(`the action of the pull request is ${action ?? 'unknown'}`);
  }
  return eventOf({
    ...repository,
    trigger: action === 'closed' ? 'pull_request_closed' : 'pull_request',
    eventType: action === labels ? 'pull_request_labeled' : 'pull_request',
    revision: payload.text('pull_request.head.sha'),
    sourceBranch: payload.text('pull_request.head.ref'),
    targetBranch: payload.text('pull_request.base.ref'),
    sourceUrl: payload.text('pull_request.head.repo.html_url'),
    targetUrl: payload.text('pull_request.base.repo.html_url'),
    title: payload.text('pull_request.title'),
    pullRequestNumber: payload.number('number') ?? payload.number('pull_request.number'),
    labels: payload.texts('pull_request.labels', 'name'),
  });
}

/** The text of a comment. @throws SubpipeError `INVALID` where it was edited or deleted. */
export function newComment(payload: Payload): string {
  const action = payload.text('action');
  if (action !== 'created')
    throw payload.unsupported(`the action of the comment is ${action ?? 'unknown'}, not created`);
  return payload.text('comment.body') ?? '';
}

/** A comment on a pull request. The commit and the branches are not in its payload: these come from flags or git. */
export function pullRequestCommentOf(
  payload: Payload,
  repository: RepositoryFields,
  isPullRequest: boolean,
): RepositoryEvent {
  if (!isPullRequest) throw payload.unsupported('the comment is on an issue, not a pull request');
  const comment = newComment(payload);
  const { eventType, targetRun } = commentCommand(comment);
  return eventOf({
    ...repository,
    trigger: 'pull_request',
    eventType,
    targetRun,
    comment,
    sourceUrl: undefined,
    title: payload.text('issue.title'),
    pullRequestNumber: payload.number('issue.number'),
    labels: payload.texts('issue.labels', 'name'),
  });
}
