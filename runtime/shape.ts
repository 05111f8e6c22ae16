import { invalid } from './errors.ts';

/** An object of unknown content, as YAML and JSON give it. */
export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What came, in words for an error: `the number 3`, `a list of 2`, `nothing`. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return `an object with ${Object.keys(value).slice(0, 5).join(', ') || 'no fields'}`;
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return `the ${typeof value} ${text.length > 80 ? `${text.slice(0, 77)}…` : text}`;
}

/** `value` as an object. @throws SubpipeError `INVALID` that names `where`. */
export function fieldsOf(value: unknown, where: string): Fields {
  if (!isFields(value)) throw invalid(`${where} must be an object, but is ${describe(value)}`);
  return value;
}

/** `value` as a list. @throws SubpipeError `INVALID` that names `where`. */
export function listOf(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw invalid(`${where} must be a list, but is ${describe(value)}`);
  return value;
}

/** `value` as a string. @throws SubpipeError `INVALID` that names `where`. */
export function textOf(value: unknown, where: string): string {
  if (typeof value !== 'string') throw invalid(`${where} must be a string, but is ${describe(value)}`);
  return value;
}

/** `value` as a string, or `undefined` where there is none. */
export function optionalText(value: unknown, where: string): string | undefined {
  return value === undefined || value === null ? undefined : textOf(value, where);
}

/** `value` as a map of strings; numbers and booleans are written out as YAML prints them. */
export function textMapOf(value: unknown, where: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fieldsOf(value, where)).map(([key, entry]) => {
      if (typeof entry === 'number' || typeof entry === 'boolean') return [key, String(entry)];
      return [key, textOf(entry, `${where}.${key}`)];
    }),
  );
}

/** Refuses fields that nobody reads: most often a typing mistake. */
export function onlyFields(value: Fields, known: readonly string[], where: string): void {
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    throw invalid(`${where} has the unknown field ${unknown.join(', ')}: expected only ${known.join(', ')}`);
  }
}
