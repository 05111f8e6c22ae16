import { invalid as badInput, explain } from '../../errors.ts';
import { prefix } from '../annotations.ts';
import { eventOf, type RepositoryEvent } from '../event.ts';
import type { Candidate } from './annotations.ts';
import { isCommandType } from './comment.ts';
import { type Asked, judge } from './judge.ts';
import { celMatcher } from './match-cel.ts';
import { type CompileRegex, regexCompiler } from './regex.ts';
import { type Reason, reason, type Verdict, verdict } from './verdict.ts';

/** What an event starts. */
export interface Selection {
  /** As the variables tell it: `event_type` is `on-comment` where a comment has started a run. */
  event: RepositoryEvent;
  /** In the order of the runs. */
  verdicts: readonly Verdict[];
}

/**
 * Which PipelineRuns Pipelines-as-Code would start for an event (docs: guide/matchingevents), each with its reasons.
 *
 * - A run asked for by name (`/test NAME`, an incoming webhook) is the only one, whatever its annotations say.
 * - `on-comment` alone decides for a comment that it matches, and for one that is no command nothing else does.
 * - `on-cel-expression` decides alone, with a warning about the annotations that it overrules.
 * - Else `on-event` and `on-target-branch` must both be there and match, and `on-path-change`, `on-label` and
 *   `on-path-change-ignore` where they are there.
 *
 * A run is judged by the event alone, never by the runs before it (Pipelines-as-Code changes the event while it goes through them).
 * Nothing is thrown for what a repository has written: see {@link Verdict.invalid}.
 */
export async function select(
  runs: readonly Candidate[],
  event: RepositoryEvent,
  options: { namespace?: string } = {},
): Promise<Selection> {
  const stop = nothingStarts(event);
  if (stop !== undefined) return { event, verdicts: runs.map((run) => verdict(run, false, [stop])) };
  if (event.targetRun !== undefined) return { event, verdicts: runs.map((run) => byName(run, event.targetRun ?? '')) };

  const comments = await commentReasons(runs, event);
  const started = [...comments.values()].some(({ outcome }) => outcome === 'yes');
  const seen = started ? eventOf({ ...event, eventType: 'on-comment' }) : event;
  const asked: Asked = { event: seen, namespace: options.namespace, isTrue: celMatcher(seen) };
  const verdicts: Verdict[] = [];
  for (const run of runs) verdicts.push(await judge(run, asked, comments.get(run)));
  return { event: seen, verdicts };
}

/** The runs that start. @throws SubpipeError `INVALID` where an annotation cannot be read: Pipelines-as-Code reports it and starts nothing. */
export function selected(selection: Selection): readonly Candidate[] {
  const broken = selection.verdicts.find(({ invalid }) => invalid !== undefined);
  if (broken !== undefined) throw badInput(`PipelineRun ${broken.run.name}: ${broken.invalid}`);
  return selection.verdicts.filter((verdict) => verdict.selected).map(({ run }) => run);
}

function nothingStarts(event: RepositoryEvent): Reason | undefined {
  const value = event.eventType;
  if (event.trigger === 'pull_request_closed')
    return reason('event', value, 'no', 'a closed pull request only cancels what runs');
  if (event.eventType.startsWith('cancel-'))
    return reason('event', value, 'no', 'the comment cancels, it starts nothing');
  const skip = /\[(?:skip ci|ci skip|skip tkn|tkn skip)\]/.exec(event.message ?? '')?.[0];
  if (skip === undefined || isCommandType(event.eventType)) return undefined;
  return reason('event', value, 'no', `the commit's message has ${skip}`);
}

function byName(run: Candidate, target: string): Verdict {
  const same = run.name === target || run.name.replace(/-$/, '') === target;
  const why = same ? 'the event asks for this run by name' : `the event asks for the run ${target} by name`;
  return verdict(run, same, [reason('name', run.name, same ? 'yes' : 'no', why)]);
}

/** `on-comment` of all runs at once: one that matches changes what the event is for the others. */
async function commentReasons(runs: readonly Candidate[], event: RepositoryEvent): Promise<Map<Candidate, Reason>> {
  const reasons = new Map<Candidate, Reason>();
  let compile: CompileRegex | undefined;
  for (const run of runs) {
    const form = run.annotations[`${prefix}on-comment`];
    if (form === undefined) continue;
    compile ??= await regexCompiler();
    reasons.set(run, commentReason(form, event.comment ?? '', compile));
  }
  return reasons;
}

function commentReason(form: string, comment: string, compile: CompileRegex): Reason {
  try {
    if (compile(form).test(comment.trim())) return reason('on-comment', form, 'yes', 'the comment matches');
  } catch (error) {
    return reason('on-comment', form, 'invalid', explain(error));
  }
  return reason('on-comment', form, 'no', comment === '' ? 'the event is no comment' : 'the comment does not match');
}
