import type { FieldPath } from '../document.ts';
import type { Findings } from './findings.ts';
import { checkGiven } from './params.ts';
import { fieldsIn, type Item, itemsOf, textIn, textsIn, typeOfValue } from './values.ts';

/** Tekton's default-max-matrix-combinations-count. */
const most = 256;

/** All params that a matrix gives: its own, and those of `include`. */
export function matrixParams(matrix: unknown, at: FieldPath): { fanned: Item[]; included: Item[] } {
  const { params, include } = fieldsIn(matrix);
  const included = itemsOf(include, [...at, 'include']);
  return {
    fanned: itemsOf(params, [...at, 'params']),
    included: included.flatMap(({ at: place, fields }) => itemsOf(fields.params, [...place, 'params'])),
  };
}

export function isMatrixed(matrix: unknown): boolean {
  const { fanned } = matrixParams(matrix, []);
  return fanned.length > 0 || itemsOf(fieldsIn(matrix).include, []).length > 0;
}

/** `matrix` of a pipeline task (docs/matrix.md). */
export function checkMatrix(task: Item, findings: Findings): void {
  const { matrix, params } = task.fields;
  if (!isMatrixed(matrix)) return;
  const at = [...task.at, 'matrix'];
  const { fanned, included } = matrixParams(matrix, at);
  const given = new Set([...fanned, ...included].map(({ name }) => name));
  for (const { at: place, name } of itemsOf(params, [...task.at, 'params'])) {
    if (given.has(name))
      findings.error(place, `the param ${name} of task ${task.name} is given by params and by its matrix`);
  }
  checkGiven(fieldsIn(matrix).params, [...at, 'params'], `the matrix of task ${task.name}`, findings);
  for (const { at: place, fields } of itemsOf(fieldsIn(matrix).include, [...at, 'include'])) {
    checkGiven(fields.params, [...place, 'params'], `an include of task ${task.name}`, findings);
  }
  for (const { at: place, name, fields } of fanned) {
    if (fields.value === undefined || typeOfValue(fields.value) === 'array') continue;
    if (/\$\(.+\)/.test(textIn(fields.value))) continue; // a result or param that holds the array
    findings.error([...place, 'value'], `the matrix of task ${task.name} needs an array for the param ${name}`);
  }
  for (const { at: place, name, fields } of included) {
    if (fields.value === undefined || typeOfValue(fields.value) === 'string') continue;
    findings.error([...place, 'value'], `an include of task ${task.name} needs a string for the param ${name}`);
  }
  const count = combinations(fanned, fieldsIn(matrix).include);
  if (count > most) {
    findings.error(at, `the matrix of task ${task.name} makes ${count} combinations: Tekton takes at most ${most}`);
  }
}

function combinations(fanned: readonly Item[], include: unknown): number {
  const lists = new Map(fanned.map(({ name, fields }) => [name, textsIn(fields.value)]));
  const extra = itemsOf(include, []);
  if (lists.size === 0) return extra.length;
  const product = [...lists.values()].reduce((sum, { length }) => sum * Math.max(1, length), 1);
  // An include whose value no list has makes a combination of its own.
  return extra.reduce((sum, { fields }) => {
    for (const { name, fields: param } of itemsOf(fields.params, [])) {
      const list = lists.get(name);
      if (list?.includes(textIn(param.value))) break;
      if (list !== undefined) return sum + 1;
    }
    return sum;
  }, product);
}
