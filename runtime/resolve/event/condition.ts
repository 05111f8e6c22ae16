import { explain } from '../../errors.ts';
import { branchName, type RepositoryEvent } from '../event.ts';
import { annotationValues, type Matching } from './annotations.ts';
import { refMatches } from './branch.ts';
import { type Reason, reason } from './verdict.ts';

/** An annotation with a list of values, which each say yes or no. */
export type Condition = Exclude<Matching, 'on-comment' | 'on-cel-expression'>;

/** What one annotation says about an event; `invalid` where it cannot be read. */
export function conditionOf(name: Condition, value: string, event: RepositoryEvent): Reason {
  try {
    const { yes, why } = answer(name, annotationValues(name, value), event);
    return reason(name, value, yes ? 'yes' : 'no', why);
  } catch (error) {
    return reason(name, value, 'invalid', explain(error));
  }
}

function answer(name: Condition, values: readonly string[], event: RepositoryEvent): { yes: boolean; why: string } {
  switch (name) {
    case 'on-event': {
      // An incoming webhook starts what a push starts, too.
      const events = event.eventType === 'incoming' ? ['incoming', 'push'] : [event.trigger];
      return { yes: events.some((entry) => values.includes(entry)), why: `the event is ${events[0]}` };
    }
    case 'on-target-branch': {
      const branch = event.targetBranch;
      if (branch === undefined) return { yes: false, why: 'the target branch is not known' };
      const found = first(values, (value) => refMatches(value, branch));
      return found === undefined
        ? { yes: false, why: `the target is ${branchName(branch)}` }
        : { yes: true, why: `the target ${branchName(branch)} fits ${found}` };
    }
    case 'on-label': {
      const found = first(values, (value) => event.labels.includes(value));
      if (found !== undefined) return { yes: true, why: `has the label ${found}` };
      return {
        yes: false,
        why: event.labels.length === 0 ? 'there are no labels' : `the labels are ${few(event.labels)}`,
      };
    }
    case 'on-path-change': {
      const found = changed(values, event);
      return found === undefined ? { yes: false, why: notChanged(event) } : { yes: true, why: `${found} has changed` };
    }
    case 'on-path-change-ignore': {
      const found = changed(values, event);
      if (event.changed === undefined) return { yes: false, why: notChanged(event) };
      return found === undefined ? { yes: true, why: notChanged(event) } : { yes: false, why: `${found} has changed` };
    }
    default:
      return name satisfies never;
  }
}

function first(values: readonly string[], fits: (value: string) => boolean): string | undefined {
  return values.find((value) => value !== '' && fits(value));
}

/** The first changed file that a pattern fits. */
function changed(values: readonly string[], event: RepositoryEvent): string | undefined {
  const patterns = values.filter((value) => value !== '');
  for (const pattern of patterns) {
    const found = (event.changed?.all ?? ['']).find((file) => refMatches(pattern, file) && file !== '');
    if (found !== undefined) return found;
  }
  return undefined;
}

function notChanged(event: RepositoryEvent): string {
  if (event.changed === undefined) return 'nobody knows which files have changed: give --changed-files';
  if (event.changed.all.length === 0) return 'no file has changed';
  return `none of ${event.changed.all.length} changed files fits`;
}

function few(words: readonly string[]): string {
  return words.length > 5 ? `${words.slice(0, 5).join(', ')} and ${words.length - 5} more` : words.join(', ');
}
