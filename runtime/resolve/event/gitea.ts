import type { RepositoryEvent } from '../event.ts';
import { pullRequestCommentOf, pullRequestOf, pushOf, repositoryOf } from './github-like.ts';
import type { Payload } from './payload-fields.ts';

const starts = ['opened', 'synchronize', 'synchronized', 'reopened'];

/** Gitea's and Forgejo's `push`, `pull_request` (and its finer kinds), `issue_comment` and `pull_request_comment`. */
export function giteaEvent(payload: Payload, kind: string | undefined): RepositoryEvent {
  const repository = repositoryOf(payload, ['username', 'login']);
  if (payload.has('comment')) {
    const isPullRequest = payload.has('issue.pull_request') || payload.value('is_pull') === true;
    return pullRequestCommentOf(payload, repository, isPullRequest);
  }
  if (payload.has('pull_request')) return pullRequestOf(payload, repository, { starts, labels: 'label_updated' });
  if (payload.has('ref') && payload.has('pusher')) return pushOf(payload, repository);
  throw payload.unsupported(`the event is ${kind ?? 'unknown'}`);
}
