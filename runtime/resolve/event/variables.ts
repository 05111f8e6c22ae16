import { branchName, type RepositoryEvent } from '../event.ts';
import { commentArguments, isCommandType } from './comment.ts';

/**
 * The variables that Pipelines-as-Code makes of an event (docs: guide/authoringprs, "Dynamic variables"), by name. One whose value the
 * event does not tell is not there. `git_auth_secret` is not here: it is made when a run is created.
 */
export function standardVariables(event: RepositoryEvent, namespace?: string): Record<string, string> {
  const known: Record<string, string | undefined> = {
    revision: event.revision,
    repo_url: event.repoUrl,
    repo_owner: event.repoOwner?.toLowerCase(),
    repo_name: event.repoName?.toLowerCase(),
    target_branch: event.targetBranch === undefined ? undefined : branchName(event.targetBranch),
    source_branch: event.sourceBranch === undefined ? undefined : branchName(event.sourceBranch),
    git_tag: event.tag ?? '',
    source_url: event.sourceUrl,
    sender: event.sender?.toLowerCase(),
    target_namespace: namespace,
    event_type: eventTypeVariable(event.eventType),
    trigger_comment: (event.comment ?? '').replaceAll(/\r?\n/g, '\\n'),
    pull_request_labels: event.labels.join('\\n'),
    pull_request_number: event.pullRequestNumber === undefined ? undefined : String(event.pullRequestNumber),
  };
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(known)) if (value !== undefined) variables[name] = value;
  return variables;
}

/** Standard variables, with those replaced that a GitOps command names: `/test run revision=…`. */
export function variablesOf(event: RepositoryEvent, namespace?: string): Record<string, string> {
  const variables = standardVariables(event, namespace);
  for (const [name, value] of Object.entries(commentArguments(event.comment ?? ''))) {
    if (name in variables && name !== 'pull_request_number') variables[name] = value;
  }
  return variables;
}

/** A GitOps command is told as the `pull_request` that it is about; only `on-comment` keeps its own name. */
function eventTypeVariable(eventType: string): string {
  return isCommandType(eventType) && eventType !== 'on-comment' ? 'pull_request' : eventType;
}
