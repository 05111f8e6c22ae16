import { hasCode } from '../../errors.ts';
import type { Fields } from '../../shape.ts';
import type { ChangedFiles } from '../event.ts';
import { type Headers, headerMap } from './headers.ts';

/** What `{{ … }}` is replaced with. */
export interface Values {
  /** By name: `-p` params first, then custom params, then the standard variables. */
  variables: Readonly<Record<string, string>>;
  /** The webhook's payload, for `{{ body.… }}`; without one, these stay as they are. */
  body: Fields | undefined;
  /** For `{{ headers['x-github-event'] }}`. */
  headers: Headers;
  /** For `{{ files.all }}`. */
  files: ChangedFiles | undefined;
}

export interface Substituted {
  text: string;
  /** What stood between `{{` and `}}` and stayed, each once, in the order of the text: worth a warning. */
  unknown: readonly string[];
}

interface Place {
  from: number;
  to: number;
  key: string;
}

/**
 * `text` with its `{{ variables }}` replaced, as text: no quoting, no second round. `body.…`, `headers.…` and `files.…` are CEL
 * expressions; their strings are put in as they are, all else as JSON, `null` as nothing. What has no value stays.
 *
 * Beyond Pipelines-as-Code: `{{a}}` is a variable too, and a given variable is replaced also where its name begins with body, headers
 * or files. Time is linear in the text; an expression that takes too long has no value.
 */
export async function substitute(text: string, values: Values): Promise<Substituted> {
  const unknown = new Set<string>();
  let expressions: ((expression: string) => string | undefined) | undefined;
  let result = '';
  let end = 0;
  for (const { from, to, key } of places(text)) {
    let value: string | undefined;
    if (Object.hasOwn(values.variables, key)) value = values.variables[key];
    else if (isExpression(key, values)) {
      expressions ??= await expressionsOf(values);
      value = expressions(key);
    }
    if (value === undefined) unknown.add(key);
    result += text.slice(end, from) + (value ?? text.slice(from, to));
    end = to;
  }
  return { text: result + text.slice(end), unknown: [...unknown] };
}

/** `{{`, then anything but `}`, then `}}`: found in one pass, where a regular expression may need many. */
function* places(text: string): Generator<Place> {
  let at = 0;
  for (;;) {
    const from = text.indexOf('{{', at);
    if (from < 0) return;
    const close = text.indexOf('}', from);
    if (close < 0) return;
    const closed = text[close + 1] === '}' && close > from + 2;
    if (closed) yield { from, to: close + 2, key: text.slice(from + 2, close).trim() };
    at = closed ? close + 2 : close + 1;
  }
}

function isExpression(key: string, values: Values): boolean {
  return (key.startsWith('body') && values.body !== undefined) || key.startsWith('headers') || key.startsWith('files');
}

/** Names that Pipelines-as-Code declares for these expressions, though they are empty there. */
export const declaredNames: readonly string[] =
  `event event_type target_branch source_branch target_url source_url event_title revision repo_owner repo_name sender
  repo_url git_tag target_namespace trigger_comment pull_request_labels pull_request_number git_auth_secret`.split(
    /\s+/,
  );

/** CEL is loaded with the first expression: names alone need none of it. */
async function expressionsOf(values: Values): Promise<(expression: string) => string | undefined> {
  const [{ celOf }, { celText }] = await Promise.all([import('./cel.ts'), import('./cel-text.ts')]);
  const cel = await celOf({
    ...Object.fromEntries(declaredNames.map((name) => [name, ''])),
    pac: {},
    body: values.body ?? {},
    headers: headerMap(values.headers),
    files: { ...values.files },
  });
  return (expression) => {
    try {
      return celText(cel.evaluate(expression));
    } catch (error) {
      if (hasCode(error, 'INVALID')) return undefined;
      throw error;
    }
  };
}
