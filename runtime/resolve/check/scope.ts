import type { Fields } from '../../shape.ts';
import type { ParamType } from '../../tekton/types.ts';
import { fieldsIn, isGiven, itemsOf, typeOfValue } from './values.ts';

/** A param as a `$(params.…)` sees it. */
export interface KnownParam {
  type: ParamType;
  /** Of an object. Undefined: not known. */
  keys: ReadonlySet<string> | undefined;
  /** Of an array whose value is written down. */
  length: number | undefined;
}

/** The params that may be asked for at some place. */
export type Scope = ReadonlyMap<string, KnownParam>;

/** Params that are declared: a PipelineSpec's or TaskSpec's `params`. */
export function declaredIn(params: unknown): Map<string, KnownParam> {
  return new Map(
    itemsOf(params, []).map(({ name, fields }) => {
      const type = declaredType(fields);
      const properties = fieldsIn(fields.properties);
      const { default: value } = fields;
      const keys =
        type === 'object' ? new Set([...Object.keys(properties), ...Object.keys(fieldsIn(value))]) : undefined;
      return [name, { type, keys, length: lengthOf(value) }];
    }),
  );
}

/** Params that are given: a run's or a pipeline task's `params`. */
export function givenIn(params: unknown): Map<string, KnownParam> {
  return new Map(
    itemsOf(params, []).map(({ name, fields: { value } }) => {
      const type = typeOfValue(value);
      // A reference alone may stand for a whole array or object.
      const keys = type === 'object' ? new Set(Object.keys(fieldsIn(value))) : undefined;
      return [name, { type, keys, length: lengthOf(value) }];
    }),
  );
}

/** What is given on top of what is declared: types by the declaration, keys by both, lengths by the value. */
export function merged(declared: Scope, given: Scope): Map<string, KnownParam> {
  const scope = new Map([...given, ...declared]);
  for (const [name, { type, keys, length }] of given) {
    const known = declared.get(name);
    if (known === undefined) continue;
    const both = known.keys === undefined ? undefined : new Set([...known.keys, ...(keys ?? [])]);
    scope.set(name, { type: known.type, keys: both, length: type === 'array' ? length : undefined });
  }
  return scope;
}

/** The type of a declared param, as the webhook sets it: by `properties`, or by the default. */
export function declaredType({ type, properties, default: value }: Fields): ParamType {
  if (type === 'string' || type === 'array' || type === 'object') return type;
  if (isGiven(type) && type !== '') return 'string';
  if (isGiven(properties)) return 'object';
  return isGiven(value) ? typeOfValue(value) : 'string';
}

function lengthOf(value: unknown): number | undefined {
  if (!Array.isArray(value) || typeOfValue(value) !== 'array') return undefined;
  // One element may stand for many: $(params.other[*])
  return value.some((one) => typeof one === 'string' && one.includes('[*])')) ? undefined : value.length;
}
