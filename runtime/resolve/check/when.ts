import type { FieldPath } from '../document.ts';
import type { Findings } from './findings.ts';
import { isGiven, itemsOf, textIn, textsIn } from './values.ts';

/** `when` of a pipeline task or a step (docs/pipelines.md, Guard Task execution using when expressions). */
export function checkWhen(when: unknown, at: FieldPath, findings: Findings): void {
  for (const { at: place, fields } of itemsOf(when, at)) {
    const { cel, input, operator, values } = fields;
    const others = textIn(input) !== '' || textIn(operator) !== '' || textsIn(values).length > 0;
    if (textIn(cel) !== '') {
      if (others) findings.error(place, 'when must have either cel or input, operator and values, but has both');
      else findings.warning([...place, 'cel'], 'Tekton takes cel only with enable-cel-in-whenexpression');
    } else if (!others && !isGiven(values)) {
      findings.error(place, 'when must have input, operator and values, but is empty');
    } else if (operator !== 'in' && operator !== 'notin') {
      findings.error(
        [...place, 'operator'],
        `operator must be in or notin, but is ${JSON.stringify(operator ?? null)}`,
      );
    } else if (!Array.isArray(values) || values.length === 0) {
      findings.error([...place, 'values'], 'values of when must be a list that is not empty');
    }
  }
}
