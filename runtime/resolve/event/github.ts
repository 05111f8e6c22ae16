import { eventOf, type RepositoryEvent } from '../event.ts';
import { commentCommand } from './comment.ts';
import { isZero, type Payload } from './payload-fields.ts';
import { pushFiles } from './push-files.ts';

const opened = ['opened', 'synchronize', 'synchronized', 'reopened', 'ready_for_review'];

/** GitHub's `push`, `pull_request`, `issue_comment`, `commit_comment`, `check_run` and `check_suite`. */
export function githubEvent(payload: Payload, kind: string | undefined): RepositoryEvent {
  switch (kind ?? kindOf(payload)) {
    case 'push':
      return push(payload);
    case 'pull_request':
      return pullRequest(payload);
    case 'issue_comment':
      return issueComment(payload);
    case 'commit_comment':
      return commitComment(payload);
    case 'check_run':
      return check(payload, 'check_run.check_suite');
    case 'check_suite':
      return check(payload, 'check_suite');
    default:
      throw payload.unsupported(`the event is ${kind ?? 'unknown'}`);
  }
}

function kindOf(payload: Payload): string | undefined {
  if (payload.has('check_run')) return 'check_run';
  if (payload.has('check_suite')) return 'check_suite';
  if (payload.has('comment')) return payload.has('issue') ? 'issue_comment' : 'commit_comment';
  if (payload.has('pull_request')) return 'pull_request';
  return payload.has('pusher') ? 'push' : undefined;
}

/** What is the same in all of them. */
function repository(payload: Payload) {
  const url = payload.text('repository.html_url');
  return {
    repoUrl: url,
    targetUrl: url,
    sourceUrl: url,
    // A push has `login` and, from GitHub Enterprise and Gitea, `name` or `username`.
    repoOwner: payload.text('repository.owner.login') ?? payload.text('repository.owner.username'),
    repoName: payload.text('repository.name'),
    sender: payload.text('sender.login') ?? payload.text('sender.username'),
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
  if (action === undefined || ![...opened, 'labeled', 'closed'].includes(action)) {
    throw payload.unsupported(`the action of the pull request is ${action ?? 'unknown'}`);
  }
  return eventOf({
    ...repository(payload),
    trigger: action === 'closed' ? 'pull_request_closed' : 'pull_request',
    eventType: action === 'labeled' ? 'pull_request_labeled' : 'pull_request',
    revision: payload.text('pull_request.head.sha'),
    sourceBranch: payload.text('pull_request.head.ref'),
    targetBranch: payload.text('pull_request.base.ref'),
    sourceUrl: payload.text('pull_request.head.repo.html_url'),
    targetUrl: payload.text('pull_request.base.repo.html_url'),
    sender: payload.text('pull_request.user.login'),
    title: payload.text('pull_request.title'),
    pullRequestNumber: payload.number('pull_request.number'),
    labels: payload.texts('pull_request.labels', 'name'),
  });
}

/** A comment's payload does not have the commit and the branches: these come from flags or git. */
function issueComment(payload: Payload): RepositoryEvent {
  if (!payload.has('issue.pull_request')) throw payload.unsupported('the comment is on an issue, not a pull request');
  const action = payload.text('action');
  if (action !== 'created')
    throw payload.unsupported(`the action of the comment is ${action ?? 'unknown'}, not created`);
  const comment = payload.text('comment.body') ?? '';
  const { eventType, targetRun } = commentCommand(comment);
  return eventOf({
    ...repository(payload),
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

function commitComment(payload: Payload): RepositoryEvent {
  const action = payload.text('action');
  if (action !== 'created')
    throw payload.unsupported(`the action of the comment is ${action ?? 'unknown'}, not created`);
  const comment = payload.text('comment.body') ?? '';
  const { eventType, targetRun, branch, tag } = commentCommand(comment);
  const ref = tag === undefined ? (branch ?? payload.text('repository.default_branch')) : `refs/tags/${tag}`;
  return eventOf({
    ...repository(payload),
    trigger: 'push',
    eventType,
    targetRun,
    comment,
    revision: payload.text('comment.commit_id'),
    sourceBranch: ref,
    targetBranch: ref,
  });
}

/** "Re-run" of a check: the push or the pull request that the check was for. */
function check(payload: Payload, suite: string): RepositoryEvent {
  const action = payload.text('action');
  if (action !== 'rerequested')
    throw payload.unsupported(`the action of the check is ${action ?? 'unknown'}, not rerequested`);
  const sourceBranch = payload.text(`${suite}.head_branch`);
  const revision = payload.text(`${suite}.head_sha`);
  const number = payload.number(`${suite}.pull_requests.0.number`);
  if (number === undefined) {
    return eventOf({ ...repository(payload), trigger: 'push', revision, sourceBranch, targetBranch: sourceBranch });
  }
  return eventOf({
    ...repository(payload),
    trigger: 'pull_request',
    revision,
    sourceBranch,
    targetBranch: payload.text(`${suite}.pull_requests.0.base.ref`),
    pullRequestNumber: number,
  });
}
