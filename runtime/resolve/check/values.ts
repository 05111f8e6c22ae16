import { type Fields, isFields } from '../../shape.ts';
import type { ParamType } from '../../tekton/types.ts';
import type { FieldPath } from '../document.ts';

/** An object in a list, and where it stands. */
export interface Item {
  at: FieldPath;
  index: number;
  fields: Fields;
  /** Its `name`, or ''. */
  name: string;
}

// What these pass over has been told of by the schema already.

/** The objects of a list; what is none is passed over. */
export function itemsOf(value: unknown, at: FieldPath): Item[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((fields: unknown, index) =>
    isFields(fields) ? [{ at: [...at, index], index, fields, name: textIn(fields.name) }] : [],
  );
}

/** A text, or '' for anything else. */
export function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The texts of a list. */
export function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** An object, or an empty one for anything else. */
export function fieldsIn(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** Null means not there, as it does when Tekton reads it. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The type that Tekton takes a param's value for: a list with something else than texts in it is a text. */
export function typeOfValue(value: unknown): ParamType {
  const isText = (one: unknown): boolean => typeof one === 'string' || one === null;
  if (Array.isArray(value)) return value.every(isText) ? 'array' : 'string';
  return isFields(value) && Object.values(value).every(isText) ? 'object' : 'string';
}

/** The texts of a param's value, each with its path. */
export function textsOfValue(value: unknown, at: FieldPath): { at: FieldPath; text: string }[] {
  if (typeof value === 'string') return [{ at, text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, text]: [string, unknown]) =>
    typeof text === 'string' ? [{ at: [...at, Array.isArray(value) ? Number(key) : key], text }] : [],
  );
}

/** The names that come a second time. */
export function repeated(items: readonly Item[]): Item[] {
  const seen = new Set<string>();
  return items.filter(({ name }) => seen.size === seen.add(name).size);
}
