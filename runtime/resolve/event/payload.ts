import { invalid } from '../../errors.ts';
import { type Fields, isFields } from '../../shape.ts';
import type { RepositoryEvent } from '../event.ts';
import { bitbucketCloudEvent } from './bitbucket-cloud.ts';
import { bitbucketDataCenterEvent } from './bitbucket-data-center.ts';
import { giteaEvent } from './gitea.ts';
import { githubEvent } from './github.ts';
import { gitlabEvent } from './gitlab.ts';
import { type Headers, header } from './headers.ts';
import { incomingEvent } from './incoming.ts';
import { Payload } from './payload-fields.ts';

export const forges = ['github', 'gitlab', 'gitea', 'bitbucket-cloud', 'bitbucket-datacenter', 'incoming'] as const;
export type Forge = (typeof forges)[number];

const readers: Record<Forge, (payload: Payload, kind: string | undefined) => RepositoryEvent> = {
  github: githubEvent,
  gitlab: gitlabEvent,
  gitea: giteaEvent,
  'bitbucket-cloud': bitbucketCloudEvent,
  'bitbucket-datacenter': bitbucketDataCenterEvent,
  incoming: incomingEvent,
};

/** The headers that name an event's kind. Gitea and Forgejo send GitHub's too: theirs are asked first. */
const kinds: readonly (readonly [string, Forge])[] = [
  ['X-Gitea-Event-Type', 'gitea'],
  ['X-Forgejo-Event-Type', 'gitea'],
  ['X-GitHub-Event', 'github'],
  ['X-Gitlab-Event', 'gitlab'],
];

/**
 * The event of a webhook's payload, as Pipelines-as-Code reads it (pkg/provider). Forge and kind come from the headers, or where there
 * are none from the payload's own fields.
 *
 * What needs the forge's API is left undefined: the commit behind a comment on GitHub and Gitea, changed files beyond what a push lists.
 *
 * @throws SubpipeError `INVALID`: no JSON object, no forge known, an event or action that starts nothing (a deleted branch).
 */
export function eventFromPayload(text: string, headers: Headers, where: string): RepositoryEvent {
  const body = parse(text, where);
  const payload = new Payload(body, where);
  const { forge, kind } = detect(payload, headers);
  const event = readers[forge](payload, kind);
  return { ...event, body, headers: { ...headers } };
}

function parse(text: string, where: string): Fields {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw invalid(`${where} is not valid JSON`, {
      cause: error,
      hint: 'A payload is the JSON body that a forge has sent to a webhook.',
    });
  }
  if (!isFields(json)) throw invalid(`${where} must be a JSON object, as forges send it to a webhook`);
  return json;
}

function detect(payload: Payload, headers: Headers): { forge: Forge; kind: string | undefined } {
  for (const [name, forge] of kinds) {
    const kind = header(headers, name);
    if (kind !== undefined) return { forge, kind };
  }
  const key = header(headers, 'X-Event-Key');
  if (key !== undefined) {
    return {
      forge: key.startsWith('pr:') || key === 'repo:refs_changed' ? 'bitbucket-datacenter' : 'bitbucket-cloud',
      kind: key,
    };
  }
  const forge = forgeOf(payload);
  if (forge === undefined) {
    throw invalid(`${payload.where} is no payload of a forge that is known here (${forges.join(', ')})`, {
      hint: "Give the webhook's headers with --headers, at least the one that names the event, such as X-GitHub-Event: push.",
    });
  }
  return { forge, kind: undefined };
}

/** By fields that only one forge has. */
function forgeOf(payload: Payload): Forge | undefined {
  if (payload.has('object_kind')) return 'gitlab';
  if (payload.has('eventKey')) return 'bitbucket-datacenter';
  if (payload.has('push.changes') || payload.has('pullrequest')) return 'bitbucket-cloud';
  if (payload.has('repository.owner.username') || payload.has('repository.internal_tracker')) return 'gitea';
  if (payload.has('repository.full_name')) return 'github';
  if (payload.has('pipelinerun') && payload.has('branch')) return 'incoming';
  return undefined;
}
