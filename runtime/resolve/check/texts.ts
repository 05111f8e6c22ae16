import { isFields } from '../../shape.ts';
import type { FieldPath } from '../document.ts';
import { type Item, itemsOf } from './values.ts';

/** A text of a step, and whether an array may stand in it as an element. */
export interface StepText {
  at: FieldPath;
  text: string;
  field: string;
}

/** The texts of a step, sidecar or step template in which Tekton puts values for variables. */
export function stepTexts({ at, fields }: Pick<Item, 'at' | 'fields'>): StepText[] {
  const single = ['name', 'image', 'imagePullPolicy', 'workingDir', 'script', 'onError'].flatMap((field) =>
    textsUnder(fields[field], [...at, field], field),
  );
  const lists = ['command', 'args', 'envFrom', 'volumeMounts'].flatMap((field) =>
    textsUnder(fields[field], [...at, field], field),
  );
  const env = itemsOf(fields.env, [...at, 'env']).flatMap(({ at: place, fields: { value, valueFrom } }) => [
    ...textsUnder(value, [...place, 'value'], 'env'),
    ...textsUnder(valueFrom, [...place, 'valueFrom'], 'valueFrom'),
  ]);
  return [...single, ...lists, ...env];
}

/** All texts below a value. */
export function textsUnder(value: unknown, at: FieldPath, field: string): StepText[] {
  if (typeof value === 'string') return [{ at, text: value, field }];
  if (Array.isArray(value)) return value.flatMap((one, index) => textsUnder(one, [...at, index], field));
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([key, one]) => textsUnder(one, [...at, key], field));
}
