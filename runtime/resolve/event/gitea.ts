import { eventOf, type RepositoryEvent } from '../event.ts';
import { commentCommand } from './comment.ts';
import { isZero, type Payload } from './payload-fields.ts';
import { pushFiles } from './push-files.ts';

const actions = ['opened', 'synchronize', 'synchronized', 'reopened', 'label_updated', 'closed'];

/** Gitea's and Forgejo's `push`, `pull_request` (and its finer kinds), `issue_comment` and `pull_request_comment`. */
export function giteaEvent(payload: Payload, kind: string | undefined): RepositoryEvent {
  if (payload.has('comment')) return comment(payload);
  if (payload.has('pull_request')) return pullRequest(payload);
  if (payload.has('ref') && payload.has('pusher')) return push(payload);
  throw payload.unsupported(`the event is ${kind ?? 'unknown'}`);
}

function repository(payload: Payload) {
  const url = payload.text('repository.html_url');
  return {
    repoUrl: url,
    targetUrl: url,
    sourceUrl: url,
    repoOwner: payload.text('repository.owner.username') ?? payload.text('repository.owner.login'),
    repoName: payload.text('repository.name'),
    sender: payload.text('sender.username') ?? payload.text('sender.login'),
  };
}

function push(payload: Payload): RepositoryEvent {
  const ref = payload.text('ref');
  if (isZero(payload.text('after'))) throw payload.unsupported(`${ref} has been deleted`);
  const message = payload.text('head_commit.message');
  return eventOf({
    ...repository(payload),
    trigger: 'push',
    revision: payload.text('head_commit.id') ?? payload.text('before'),
    sourceBranch: ref,
    targetBranch: ref,
    title: message,
    message,
    changed: pushFiles(payload, 'head_commit'),
  });
}

function pullRequest(payload: Payload): RepositoryEvent {
  const action = payload.text('action');
  if (action === undefined || !actions.includes(action)) {
    throw payload.unsupported(`the action of the pull request is ${action ?? 'unknown'}`);
  }
  return eventOf({
    ...repository(payload),
    trigger: action === 'closed' ? 'pull_request_closed' : 'pull_request',
    eventType: action === 'label_updated' ? 'pull_request_labeled' : 'pull_request',
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

/** The commit and the branches are not in a comment's payload: these come from flags or git. */
function comment(payload: Payload): RepositoryEvent {
  if (!payload.has('issue.pull_request') && payload.value('is_pull') !== true) {
    throw payload.unsupported('the comment is on an issue, not a pull request');
  }
  const action = payload.text('action');
  if (action !== 'created')
    throw payload.unsupported(`the action of the comment is ${action ?? 'unknown'}, not created`);
  const text = payload.text('comment.body') ?? '';
  const { eventType, targetRun } = commentCommand(text);
  return eventOf({
    ...repository(payload),
    trigger: 'pull_request',
    eventType,
    targetRun,
    comment: text,
    sourceUrl: undefined,
    title: payload.text('issue.title'),
    pullRequestNumber: payload.number('issue.number'),
    labels: payload.texts('issue.labels', 'name'),
  });
}
