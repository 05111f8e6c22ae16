import { addSecret } from '../../redact.ts';
import { eventOf, type RepositoryEvent } from '../event.ts';
import type { Payload } from './payload-fields.ts';

/** The body of a request to `/incoming` (docs: guide/incoming_webhook): `branch`, `pipelinerun`, `params`. */
export function incomingEvent(payload: Payload): RepositoryEvent {
  addSecret(payload.text('secret') ?? '');
  const branch = payload.text('branch');
  return eventOf({
    trigger: 'push',
    eventType: 'incoming',
    sourceBranch: branch,
    targetBranch: branch,
    sender: 'incoming',
    targetRun: payload.text('pipelinerun'),
  });
}
