import { isFields } from '../shape.ts';
import type { ParamType, ParamValue, ResultSpec } from '../tekton/types.ts';
import { typeOf } from './check.ts';
import type { PreparedCall } from './prepare.ts';
import { type Reference, referencesIn } from './references.ts';

/**
 * The first param of a call whose value will be of another type than its Pipeline declares, once the references to other
 * calls are replaced. Found by what the Pipelines of those calls declare; where they do not say it, the value itself is
 * checked right before the child is made.
 */
export function wrongTypeIn(one: PreparedCall, prepared: readonly PreparedCall[]): string | undefined {
  for (const { name, value } of one.params) {
    const wanted = one.source.spec.params?.find((param) => param.name === name);
    const [reference] = referencesIn(value);
    if (wanted === undefined || reference === undefined) continue;
    const is = Array.isArray(value) ? 'array' : isFields(value) ? 'object' : typeOfText(value, reference, prepared);
    const type = typeOf(wanted);
    if (is === undefined || is === type) continue;
    return `param ${name} must be ${article(type)}, but ${reference.text} is ${article(is)}`;
  }
  return undefined;
}

function article(type: ParamType): string {
  return type === 'string' ? 'a string' : `an ${type}`;
}

/** A whole array or object takes the place of a text that consists of nothing else; within a longer one it is text. */
function typeOfText(text: ParamValue, reference: Reference, prepared: readonly PreparedCall[]): ParamType | undefined {
  const { field } = reference;
  if (reference.text !== text || field.kind !== 'result') return 'string';
  if (field.pick !== undefined && field.pick !== '*') return 'string';
  const results = prepared.find(({ call }) => call.name === reference.call)?.source.spec.results;
  const result = results?.find(({ name }) => name === field.result);
  return result === undefined ? undefined : typeOfResult(result);
}

/**
 * The type of a Pipeline's result, where it is sure: Tekton goes by the value, and the declared type may be missing or be
 * the default (docs/pipelines.md "Emitting Results from a Pipeline").
 */
function typeOfResult({ type, value }: ResultSpec): ParamType | undefined {
  if (Array.isArray(value)) return 'array';
  if (isFields(value)) return 'object';
  if (value?.includes('[*]') === true) return type === 'string' ? undefined : type;
  return value === undefined ? type : 'string';
}
