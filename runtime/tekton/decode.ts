import { describe, type Fields, isFields } from '../shape.ts';
import { type FieldShape, type Kind, shapeOf } from './shapes.ts';

/** What is wrong with a field, and where it is in the object. */
export interface DecodeFault {
  path: (string | number)[];
  /** `spec.params[0].name must be a string, but is the number 3`. */
  message: string;
}

/**
 * An object as Tekton's Go types read it: fields of `null` are left out, params' values are text (or lists and maps of text). Fields
 * that the types do not have are kept.
 *
 * @returns The object, or the first fault.
 */
export function decode(object: Fields, kind: Kind): { object: Fields } | { fault: DecodeFault } {
  const path: (string | number)[] = [];
  try {
    return { object: fieldsOf(object, kind, path) };
  } catch (error) {
    if (error instanceof Refused) return { fault: { path: error.path, message: error.message } };
    throw error;
  }
}

class Refused extends Error {
  readonly path: (string | number)[];
  constructor(path: (string | number)[], expected: string, value: unknown) {
    const scalar = typeof value === 'number' || typeof value === 'boolean';
    const hint = expected === 'a string' && scalar ? ': put it in quotes' : '';
    super(`${fieldName(path)} must be ${expected}, but is ${describe(value)}${hint}`);
    this.path = [...path];
  }
}

/** `spec.tasks[0].name`. */
export function fieldName(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (!/^[A-Za-z_][\w-]*$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

function fieldsOf(value: unknown, type: string, path: (string | number)[]): Fields {
  if (!isFields(value)) throw new Refused(path, 'an object', value);
  const shape = shapeOf(type);
  const result: Fields = {};
  for (const key of Object.keys(value)) {
    const entry = value[key];
    const field = shape?.get(key);
    // A param's value of null is Go's empty string; any other field of null is one that is not there.
    if (entry === null && !(type === 'Param' && key === 'value')) continue;
    if (key === '__proto__') continue;
    path.push(key);
    result[key] = field === undefined ? entry : manyOf(entry, field, path);
    path.pop();
  }
  return result;
}

function manyOf(value: unknown, { type, many }: FieldShape, path: (string | number)[]): unknown {
  if (many === '') return oneOf(value, type, path);
  if (many === '[]') {
    if (!Array.isArray(value)) throw new Refused(path, 'a list', value);
    return value.map((entry, index) => {
      path.push(index);
      const made = entry === null && type === 'string' ? '' : oneOf(entry ?? {}, type, path);
      path.pop();
      return made;
    });
  }
  if (!isFields(value)) throw new Refused(path, 'an object', value);
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => {
      path.push(key);
      const made = oneOf(entry ?? {}, type, path);
      path.pop();
      return [key, made];
    }),
  );
}

const goDuration = /^[-+]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*)$/;

function oneOf(value: unknown, type: string, path: (string | number)[]): unknown {
  switch (type) {
    case 'any':
      return value;
    case 'string':
      if (typeof value !== 'string') throw new Refused(path, 'a string', value);
      return value;
    case 'bool':
      if (typeof value !== 'boolean') throw new Refused(path, 'true or false', value);
      return value;
    case 'int':
      if (!Number.isInteger(value)) throw new Refused(path, 'a whole number', value);
      return value;
    case 'duration':
      if (typeof value !== 'string' || !goDuration.test(value)) {
        throw new Refused(path, 'a duration such as 1h30m', value);
      }
      return value;
    case 'object':
      if (!isFields(value)) throw new Refused(path, 'an object', value);
      return value;
    case 'strings':
      return textMap(value, path);
    case 'value':
      return paramValue(value);
    default:
      return fieldsOf(value, type, path);
  }
}

function textMap(value: unknown, path: (string | number)[]): Record<string, string> {
  if (!isFields(value)) throw new Refused(path, 'an object', value);
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => {
      if (entry === null) return [key, ''];
      if (typeof entry !== 'string') throw new Refused([...path, key], 'a string', entry);
      return [key, entry];
    }),
  );
}

/** A param's value (ParamValue.UnmarshalJSON): text, a list of text, a map of text; all else is JSON as text. */
function paramValue(value: unknown): string | string[] | Record<string, string> {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  const isText = (entry: unknown): entry is string | null => typeof entry === 'string' || entry === null;
  if (Array.isArray(value) && value.every(isText)) return value.map((entry) => entry ?? '');
  if (isFields(value)) {
    const entries = Object.entries(value).flatMap(([key, entry]) =>
      isText(entry) ? [[key, entry ?? ''] as const] : [],
    );
    if (entries.length === Object.keys(value).length) return Object.fromEntries(entries);
  }
  return JSON.stringify(value);
}
