import type { ParamValue } from '../tekton/types.ts';
import type { RunStatus } from './outcome.ts';

/** What one call may ask of another: `${calls.NAME.results.RESULT}`, with `[*]`, `[0]` or `.key` behind it, `${calls.NAME.status}` … */
export interface Reference {
  /** As written, with `${` and `}`. */
  text: string;
  call: string;
  field: { kind: 'status' | 'reason' | 'run' } | { kind: 'result'; result: string; pick: string | number | undefined };
}

/** What is known of a call that has ended. */
export interface EndedCall {
  run: string;
  status: RunStatus;
  reason: string;
  results: Record<string, ParamValue>;
}

const pattern =
  /\$\{calls\.(?<call>[a-z0-9-]+)\.(?:(?<field>status|reason|run)|results\.(?<result>[A-Za-z0-9_-]+)(?:\[(?<index>\*|\d+)\]|\.(?<key>[A-Za-z0-9_.-]+))?)\}/g;

/** All references in a value, in the order they stand. */
export function referencesIn(value: ParamValue): Reference[] {
  return textsOf(value).flatMap((text) => [...text.matchAll(pattern)].map(referenceOf));
}

/** The first thing that was meant as a reference and is none. */
export function malformedIn(value: ParamValue): string | undefined {
  for (const text of textsOf(value)) {
    const found = /\$[({]calls\.[^)}]*[)}]?/.exec(text.replaceAll(pattern, ''));
    if (found !== null) return found[0];
  }
  return undefined;
}

function textsOf(value: ParamValue): string[] {
  return typeof value === 'string' ? [value] : Object.values(value);
}

function referenceOf(match: RegExpMatchArray): Reference {
  const { call = '', field, result, index, key } = match.groups ?? {};
  const text = match[0];
  if (field === 'status' || field === 'reason' || field === 'run') return { text, call, field: { kind: field } };
  const pick = index === undefined || index === '*' ? (index ?? key) : Number(index);
  return { text, call, field: { kind: 'result', result: result ?? '', pick } };
}

/**
 * `value` with its references replaced. A whole array or object (`[*]`) replaces the text or the element that consists of
 * nothing else, as in Tekton (docs/variables.md).
 *
 * @throws Error that names the reference for which there is no value.
 */
export function substitute(value: ParamValue, ended: ReadonlyMap<string, EndedCall>): ParamValue {
  if (typeof value === 'string') return substituteText(value, ended);
  if (Array.isArray(value)) {
    return value.flatMap((element) => {
      const replaced = substituteText(element, ended);
      return typeof replaced === 'string' || Array.isArray(replaced) ? replaced : JSON.stringify(replaced);
    });
  }
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, plain(substituteText(text, ended))]));
}

function substituteText(text: string, ended: ReadonlyMap<string, EndedCall>): ParamValue {
  const references = referencesIn(text);
  const [only] = references;
  if (only !== undefined && only.text === text) return lookUp(only, ended);
  // In one pass: what a result says is never read as a reference.
  return text.replace(pattern, (reference) => {
    const found = references.find((one) => one.text === reference);
    return found === undefined ? reference : plain(lookUp(found, ended));
  });
}

function lookUp({ text, call, field }: Reference, ended: ReadonlyMap<string, EndedCall>): ParamValue {
  const known = ended.get(call);
  if (known === undefined) throw new Error(`${text}: the call ${call} has not ended`);
  if (field.kind !== 'result') return known[field.kind];
  const value = own(known.results, field.result);
  const picked = value === undefined ? undefined : pickOf(value, field.pick);
  if (picked === undefined) throw new Error(`${text}: the call ${call} (${known.status}) gave no such result`);
  return picked;
}

function pickOf(value: ParamValue, pick: string | number | undefined): ParamValue | undefined {
  if (pick === undefined || pick === '*') return value;
  if (typeof value === 'string') return undefined;
  return Array.isArray(value) ? value[Number(pick)] : own(value, String(pick));
}

function own<T>(object: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Inside of a longer text an array or object stands as JSON. */
function plain(value: ParamValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
