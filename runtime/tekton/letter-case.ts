import { type Fields, isFields } from '../shape.ts';
import { shapeOf } from './shapes.ts';

/**
 * An object with its fields spelt as Tekton's types have them: Go's decoder takes `workingdir` for `workingDir`, and so did Tekton before
 * its types had schemas. A field that is there in both spellings stays as it is.
 *
 * @param type A type of `shapes.ts`.
 */
export function withLetterCase(object: Fields, type: string): Fields {
  const shape = shapeOf(type);
  if (shape === undefined) return object;
  const names = new Map([...shape.keys()].map((name) => [name.toLowerCase(), name]));
  const result: Fields = {};
  for (const [key, value] of Object.entries(object)) {
    const known = names.get(key.toLowerCase());
    const name = known === undefined || (known !== key && Object.hasOwn(object, known)) ? key : known;
    const field = shape.get(name);
    result[name] = field === undefined ? value : below(value, field.type);
  }
  return result;
}

function below(value: unknown, type: string): unknown {
  if (Array.isArray(value)) return value.map((one) => (isFields(one) ? withLetterCase(one, type) : one));
  return isFields(value) ? withLetterCase(value, type) : value;
}
