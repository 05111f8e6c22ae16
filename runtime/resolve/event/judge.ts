import { explain } from '../../errors.ts';
import { prefix } from '../annotations.ts';
import type { RepositoryEvent } from '../event.ts';
import { type Candidate, type Matching, matching } from './annotations.ts';
import { conditionOf } from './condition.ts';
import { type Reason, reason, type Verdict, verdict } from './verdict.ts';

/** What a run is asked about. */
export interface Asked {
  event: RepositoryEvent;
  /** The namespace of the Repository, for `target-namespace`. */
  namespace: string | undefined;
  /** Whether an `on-cel-expression` is true. @throws SubpipeError `INVALID` */
  isTrue: (expression: string) => Promise<boolean>;
}

/** One run against one event; `comment` is what its `on-comment` has said. */
export async function judge(run: Candidate, asked: Asked, comment: Reason | undefined): Promise<Verdict> {
  const { event } = asked;
  const reasons: Reason[] = [];
  const decided = (by: Reason | undefined, selected: boolean, why: string) => {
    if (by !== undefined) reasons.push(by);
    return verdict(run, selected, [...reasons, ...ignored(run, ['on-comment'], why)]);
  };
  const namespace = namespaceReason(run, asked);
  if (namespace !== undefined) reasons.push(namespace);
  if (namespace?.outcome === 'no') return decided(undefined, false, 'another Repository has this run');
  // As in Pipelines-as-Code: a broken on-comment takes only its own run out.
  if (comment?.outcome === 'yes') return decided(comment, true, 'on-comment decides');
  if (comment?.outcome === 'invalid') return decided(comment, false, 'on-comment is broken');
  if (comment !== undefined) reasons.push(comment);
  if (event.eventType === 'no-ops-comment' || event.eventType === 'on-comment') {
    const why = 'this comment is for on-comment only';
    return decided(comment === undefined ? reason('event', event.eventType, 'no', why) : undefined, false, why);
  }
  if (
    event.trigger === 'pull_request' &&
    event.eventType === 'pull_request_labeled' &&
    annotation(run, 'on-label') === undefined
  ) {
    const why = 'a label has been set, and the run has no on-label';
    return decided(reason('event', event.eventType, 'no', why), false, why);
  }
  const expression = annotation(run, 'on-cel-expression');
  if (expression !== undefined) return await byExpression(run, expression, asked, reasons);
  return byConditions(run, event, reasons);
}

function annotation(run: Candidate, name: Matching): string | undefined {
  return run.annotations[`${prefix}${name}`];
}

/** The matching annotations that have no say, each with why. */
function ignored(run: Candidate, but: readonly Matching[], why: string): Reason[] {
  return matching.flatMap((name) => {
    const value = annotation(run, name);
    return value === undefined || but.includes(name) ? [] : [reason(name, value, 'ignored', why)];
  });
}

function namespaceReason(run: Candidate, { namespace }: Asked): Reason | undefined {
  const wanted = run.annotations[`${prefix}target-namespace`];
  if (wanted === undefined) return undefined;
  if (namespace === undefined)
    return reason('target-namespace', wanted, 'note', 'no Repository is given to compare it with');
  return reason('target-namespace', wanted, wanted === namespace ? 'yes' : 'no', `the Repository is in ${namespace}`);
}

async function byExpression(
  run: Candidate,
  expression: string,
  asked: Asked,
  before: readonly Reason[],
): Promise<Verdict> {
  const overruled = ignored(run, ['on-comment', 'on-cel-expression'], 'on-cel-expression decides');
  const names = overruled.map((entry) => entry.annotation).join(', ');
  const warnings = overruled.length === 0 ? [] : [`on-cel-expression decides alone: ${names} of this run say nothing`];
  try {
    const yes = await asked.isTrue(expression);
    const by = reason('on-cel-expression', expression, yes ? 'yes' : 'no', `it is ${yes ? '' : 'not '}true`);
    return verdict(run, yes, [...before, by, ...overruled], { warnings });
  } catch (error) {
    // As in Pipelines-as-Code: a broken expression is reported, and takes only its own run out.
    const broken = reason('on-cel-expression', expression, 'invalid', explain(error));
    return verdict(run, false, [...before, broken, ...overruled], { warnings: [...warnings, broken.why] });
  }
}

function byConditions(run: Candidate, event: RepositoryEvent, before: readonly Reason[]): Verdict {
  const conditions: Reason[] = [];
  for (const name of matching) {
    if (name === 'on-comment' || name === 'on-cel-expression') continue;
    const value = annotation(run, name);
    if (value !== undefined) conditions.push(conditionOf(name, value, event));
    else if (name === 'on-event' || name === 'on-target-branch') {
      conditions.push(
        reason(
          name,
          '',
          'no',
          'missing: a run needs on-event and on-target-branch, or on-cel-expression or on-comment',
        ),
      );
    }
  }
  // The first that is not met ends the question: what comes after it may be broken and nobody notices.
  const first = conditions.find(({ outcome }) => outcome !== 'yes');
  return verdict(run, first === undefined, [...before, ...conditions], {
    invalid: first?.outcome === 'invalid' ? first.why : undefined,
  });
}
