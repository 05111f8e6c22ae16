import { SubpipeError } from '../../errors.ts';
import { type Fields, isFields } from '../../shape.ts';

/** An answer of an API as an object. @throws SubpipeError `FAILED` that says who answered. */
export function objectOf(value: unknown, who: string): Fields {
  if (!isFields(value)) throw odd(who, 'an object');
  return value;
}

/** An answer of an API as a list of objects. */
export function objectsOf(value: unknown, who: string): Fields[] {
  if (!Array.isArray(value)) throw odd(who, 'a list');
  return value.map((item) => objectOf(item, who));
}

/** A field that must be a text that is not empty. */
export function fieldOf(value: Fields, name: string, who: string): string {
  const field = value[name];
  if (typeof field !== 'string' || field === '') throw odd(who, `a text in "${name}"`);
  return field;
}

function odd(who: string, expected: string): SubpipeError {
  return new SubpipeError('FAILED', `${who} answered with something else than expected: ${expected} is missing`);
}

/** Each part of a path percent-encoded, the `/` between them kept. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
