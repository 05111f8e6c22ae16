import { eventOf, type RepositoryEvent } from '../event.ts';
import { commentCommand } from './comment.ts';
import {
  newComment,
  pullRequestCommentOf,
  pullRequestOf,
  pushOf,
  type RepositoryFields,
  repositoryOf,
} from './github-like.ts';
import type { Payload } from './payload-fields.ts';

const opened = ['opened', 'synchronize', 'synchronized', 'reopened', 'ready_for_review'];

/** GitHub's `push`, `pull_request`, `issue_comment`, `commit_comment`, `check_run` and `check_suite`. */
export function githubEvent(payload: Payload, kind: string | undefined): RepositoryEvent {
  switch (kind ?? kindOf(payload)) {
    case 'push':
      return pushOf(payload, repository(payload));
    case 'pull_request':
      return pullRequest(payload);
    case 'issue_comment':
      return pullRequestCommentOf(payload, repository(payload), payload.has('issue.pull_request'));
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

/** A push has `login` and, from GitHub Enterprise, `username`. */
function repository(payload: Payload): RepositoryFields {
  return repositoryOf(payload, ['login', 'username']);
}

function pullRequest(payload: Payload): RepositoryEvent {
  const sender = payload.text('pull_request.user.login');
  return pullRequestOf(payload, { ...repository(payload), sender }, { starts: opened, labels: 'labeled' });
}

function commitComment(payload: Payload): RepositoryEvent {
  const comment = newComment(payload);
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
