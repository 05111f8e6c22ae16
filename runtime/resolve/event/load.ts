import { hasCode } from '../../errors.ts';
import { branchName, type RepositoryEvent } from '../event.ts';
import { type EventFlags, eventFromFlags } from './event-flags.ts';
import type { Headers } from './headers.ts';

/** Where an event is told. */
export interface EventSources {
  flags: EventFlags;
  /** A webhook's JSON body; `where` names it in errors. */
  payload?: { text: string; where: string; headers: Headers } | undefined;
  /** A folder of the git repository: what has changed, and the commit's message, come from there where nobody else tells. */
  folder?: string | undefined;
}

/**
 * The event, from flags over a payload over the git repository. `undefined` where neither a payload nor an event's flag is given: then
 * nothing is selected.
 *
 * @throws SubpipeError `INVALID` for flags or a payload that make no event. A repository that cannot tell what has changed is no error:
 * `changed` is left undefined, and the reasons of a selection say so.
 */
export async function loadEvent(sources: EventSources, signal?: AbortSignal): Promise<RepositoryEvent | undefined> {
  const { flags, payload, folder } = sources;
  if (payload === undefined && flags.event === undefined && flags.comment === undefined) return undefined;
  const told =
    payload === undefined
      ? undefined
      : (await import('./payload.ts')).eventFromPayload(payload.text, payload.headers, payload.where);
  const event = eventFromFlags(flags, told);
  return folder === undefined ? event : await withGit(event, folder, signal);
}

async function withGit(event: RepositoryEvent, folder: string, signal?: AbortSignal): Promise<RepositoryEvent> {
  const { gitChanges, gitMessage } = await import('./git-changes.ts');
  const revision = event.revision ?? 'HEAD';
  const base = event.targetBranch === undefined ? undefined : branchName(event.targetBranch);
  const unknown = (error: unknown) => {
    if (hasCode(error, 'ABORTED')) throw error;
    return undefined;
  };
  const [changed, message] = await Promise.all([
    event.changed ?? gitChanges({ folder, trigger: event.trigger, revision, base }, signal).catch(unknown),
    event.message ?? gitMessage(folder, revision, signal).catch(unknown),
  ]);
  const title = event.title ?? (event.trigger === 'push' ? message?.split('\n')[0] : undefined);
  return { ...event, changed, message, title };
}
