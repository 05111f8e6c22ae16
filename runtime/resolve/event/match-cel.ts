import type { RepositoryEvent } from '../event.ts';
import { type Cel, celOf } from './cel.ts';
import { glob } from './glob.ts';

/** Whether an `on-cel-expression` is true for an event. One library load and one set of variables serve all runs. */
export function celMatcher(event: RepositoryEvent): (expression: string) => Promise<boolean> {
  const evaluators = new Map<string, Promise<Cel>>();
  return async (expression) => {
    const refs = refsFor(expression, event);
    const key = JSON.stringify(refs);
    const cel = evaluators.get(key) ?? evaluator(event, refs);
    evaluators.set(key, cel);
    return (await cel).evaluate(expression) === true;
  };
}

interface Refs {
  target_branch: string;
  source_branch: string;
}

/**
 * A push has `refs/heads/main`, and people write `target_branch == "main"`: where a clause names the variable without `refs/heads/`,
 * the prefix is taken off. Clauses are what stands between `&&`, as in Pipelines-as-Code.
 */
function refsFor(expression: string, event: RepositoryEvent): Refs {
  const clauses = expression.split('&&');
  const short = (variable: string, ref: string) => {
    const cut =
      event.trigger === 'push' &&
      clauses.some((clause) => clause.includes(variable) && !clause.includes('refs/heads/'));
    return cut && ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : ref;
  };
  return {
    target_branch: short('target_branch', event.targetBranch ?? ''),
    source_branch: short('source_branch', event.sourceBranch ?? ''),
  };
}

function evaluator(event: RepositoryEvent, refs: Refs): Promise<Cel> {
  const { all = [], added = [], deleted = [], modified = [], renamed = [] } = event.changed ?? {};
  const variables = {
    event: event.trigger,
    event_title: event.title ?? '',
    ...refs,
    target_url: event.targetUrl ?? '',
    source_url: event.sourceUrl ?? '',
    body: event.body ?? {},
    // In lower case only, unlike in templates: Pipelines-as-Code would not start what asks for other names.
    headers: new Map(Object.entries(event.headers).map(([name, value]) => [name.toLowerCase(), value])),
    files: { all, added, deleted, modified, renamed },
  };
  return celOf(variables, (pattern) => {
    const { test } = glob(pattern);
    return all.some((file) => test(file));
  });
}
