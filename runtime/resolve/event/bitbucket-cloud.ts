import { eventOf, type RepositoryEvent } from '../event.ts';
import { commentCommand } from './comment.ts';
import type { Payload } from './payload-fields.ts';

const closed = ['pullrequest:closed', 'pullrequest:fulfilled', 'pullrequest:rejected'];

/** Bitbucket Cloud's `repo:push` and `pullrequest:…`; `key` is `X-Event-Key`. */
export function bitbucketCloudEvent(payload: Payload, key: string | undefined): RepositoryEvent {
  if (payload.has('push')) return push(payload);
  if (payload.has('pullrequest')) return pullRequest(payload, key);
  throw payload.unsupported(`the event is ${key ?? 'unknown'}`);
}

function repository(payload: Payload) {
  return {
    repoUrl: payload.text('repository.links.html.href'),
    repoOwner: payload.text('repository.workspace.slug'),
    repoName: payload.text('repository.full_name')?.split('/')[1],
  };
}

function push(payload: Payload): RepositoryEvent {
  const to = 'push.changes.0.new';
  if (!payload.has(to)) throw payload.unsupported('the push has no new commit: a branch or tag has been deleted');
  const name = payload.text(`${to}.name`);
  const message = payload.text(`${to}.target.message`);
  const url = payload.text('repository.links.html.href');
  return eventOf({
    ...repository(payload),
    trigger: 'push',
    revision: payload.text(`${to}.target.hash`),
    targetBranch: payload.text(`${to}.type`) === 'tag' ? `refs/tags/${name}` : name,
    // A new branch has no old name.
    sourceBranch: payload.text('push.changes.0.old.name') ?? name,
    targetUrl: payload.text(`${to}.target.links.html.href`) ?? url,
    sourceUrl: payload.text('push.changes.0.old.target.links.html.href') ?? url,
    sender: payload.text('actor.nickname'),
    message,
  });
}

function pullRequest(payload: Payload, key: string | undefined): RepositoryEvent {
  const isClosed = key !== undefined && closed.includes(key);
  const comment = payload.text('comment.content.raw');
  const { eventType, targetRun } =
    comment === undefined ? { eventType: 'pull_request', targetRun: undefined } : commentCommand(comment);
  if (key !== undefined && !isClosed && !/^pullrequest:(?:created|updated|comment_created)$/.test(key)) {
    throw payload.unsupported(`the event is ${key}`);
  }
  if (eventType === 'no-ops-comment')
    throw payload.unsupported('the comment is no command, and Bitbucket has no on-comment');
  return eventOf({
    ...repository(payload),
    trigger: isClosed ? 'pull_request_closed' : 'pull_request',
    eventType: isClosed ? 'pull_request_closed' : eventType,
    targetRun,
    comment,
    revision: payload.text('pullrequest.source.commit.hash'),
    sourceBranch: payload.text('pullrequest.source.branch.name'),
    targetBranch: payload.text('pullrequest.destination.branch.name'),
    sourceUrl: payload.text('pullrequest.source.repository.links.html.href'),
    targetUrl: payload.text('pullrequest.destination.repository.links.html.href'),
    sender: payload.text('pullrequest.author.nickname'),
    title: payload.text('pullrequest.title'),
    pullRequestNumber: payload.number('pullrequest.id'),
  });
}
