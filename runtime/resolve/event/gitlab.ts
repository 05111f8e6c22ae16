import { eventOf, type RepositoryEvent } from '../event.ts';
import { commentCommand } from './comment.ts';
import { isZero, type Payload } from './payload-fields.ts';
import { pushFiles } from './push-files.ts';

/** GitLab's push, tag push, merge request and note hooks. `kind` is the header's, such as `Merge Request Hook`. */
export function gitlabEvent(payload: Payload, kind: string | undefined): RepositoryEvent {
  switch (payload.text('object_kind')) {
    case 'push':
      return push(payload, 'push');
    case 'tag_push':
      return push(payload, 'Tag Push');
    case 'merge_request':
      return mergeRequest(payload);
    case 'note':
      return payload.has('merge_request') ? mergeRequestNote(payload) : commitNote(payload);
    default:
      throw payload.unsupported(`the event is ${kind ?? payload.text('object_kind') ?? 'unknown'}`);
  }
}

/** `path` is that of the target project: its groups, all of them, are the owner. */
function repository(payload: Payload, path: string | undefined, sender: string) {
  const url = payload.text('project.web_url');
  const slash = path?.lastIndexOf('/') ?? -1;
  return {
    repoUrl: url,
    targetUrl: url,
    sourceUrl: url,
    repoOwner: slash < 0 ? undefined : path?.slice(0, slash),
    repoName: path?.slice(slash + 1),
    sender: payload.text(sender),
  };
}

function push(payload: Payload, eventType: string): RepositoryEvent {
  const ref = payload.text('ref');
  if (isZero(payload.text('after')) && !payload.has('checkout_sha'))
    throw payload.unsupported(`${ref} has been deleted`);
  if (payload.list('commits').length === 0) throw payload.unsupported(`the push of ${ref} has no commits`);
  return eventOf({
    ...repository(payload, payload.text('project.path_with_namespace'), 'user_username'),
    trigger: 'push',
    eventType,
    revision: payload.text('commits.-1.id'),
    sourceBranch: ref,
    targetBranch: ref,
    title: payload.text('commits.-1.title'),
    message: payload.text('commits.-1.message'),
    changed: pushFiles(payload, 'commits.-1'),
  });
}

function mergeRequest(payload: Payload): RepositoryEvent {
  const action = payload.text('object_attributes.action');
  const closed = action === 'close';
  if (!closed && (action === undefined || !['open', 'reopen', 'update'].includes(action))) {
    throw payload.unsupported(`the action of the merge request is ${action ?? 'unknown'}`);
  }
  if (action === 'update' && !payload.has('object_attributes.oldrev') && !payload.has('changes.labels')) {
    throw payload.unsupported('the update of the merge request has neither new commits nor new labels');
  }
  return eventOf({
    ...repository(payload, payload.text('object_attributes.target.path_with_namespace'), 'user.username'),
    trigger: closed ? 'pull_request_closed' : 'pull_request',
    eventType: payload.has('changes.labels.current') ? 'pull_request_labeled' : 'Merge Request',
    revision: payload.text('object_attributes.last_commit.id'),
    sourceBranch: payload.text('object_attributes.source_branch'),
    targetBranch: payload.text('object_attributes.target_branch'),
    sourceUrl: payload.text('object_attributes.source.web_url'),
    targetUrl: payload.text('object_attributes.target.web_url'),
    title: payload.text('object_attributes.title'),
    message: payload.text('object_attributes.last_commit.message'),
    pullRequestNumber: payload.number('object_attributes.iid'),
    labels: payload.texts('labels', 'title'),
  });
}

function mergeRequestNote(payload: Payload): RepositoryEvent {
  if (payload.text('merge_request.state') !== 'opened')
    throw payload.unsupported('the comment is on a closed merge request');
  const comment = payload.text('object_attributes.note') ?? '';
  const { eventType, targetRun } = commentCommand(comment);
  return eventOf({
    ...repository(payload, payload.text('project.path_with_namespace'), 'user.username'),
    trigger: 'pull_request',
    eventType,
    targetRun,
    comment,
    revision: payload.text('merge_request.last_commit.id'),
    sourceBranch: payload.text('merge_request.source_branch'),
    targetBranch: payload.text('merge_request.target_branch'),
    sourceUrl: payload.text('merge_request.source.web_url'),
    targetUrl: payload.text('merge_request.target.web_url'),
    title: payload.text('merge_request.title'),
    message: payload.text('merge_request.last_commit.message'),
    pullRequestNumber: payload.number('merge_request.iid'),
    labels: payload.texts('merge_request.labels', 'title'),
  });
}

function commitNote(payload: Payload): RepositoryEvent {
  if (!payload.has('commit')) throw payload.unsupported('the comment is on neither a merge request nor a commit');
  const comment = payload.text('object_attributes.note') ?? '';
  const { eventType, targetRun, branch, tag } = commentCommand(comment);
  const ref = tag === undefined ? (branch ?? payload.text('project.default_branch')) : `refs/tags/${tag}`;
  return eventOf({
    ...repository(payload, payload.text('project.path_with_namespace'), 'user.username'),
    trigger: 'push',
    eventType,
    targetRun,
    comment,
    revision: payload.text('object_attributes.commit_id'),
    sourceBranch: ref,
    targetBranch: ref,
    title: payload.text('commit.title'),
    message: payload.text('commit.message'),
  });
}
