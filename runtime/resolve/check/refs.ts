import { isFields } from '../../shape.ts';
import type { FieldPath } from '../document.ts';
import type { Findings } from './findings.ts';
import { isQualifiedName } from './names.ts';
import { checkGiven } from './params.ts';
import { isGiven, textIn } from './values.ts';

/** A `taskRef`, `pipelineRef` or a step's `ref`: by name, or by a resolver with its params (docs/resolution.md). */
export function checkRef(ref: unknown, at: FieldPath, findings: Findings): void {
  if (!isFields(ref)) return;
  const field = String(at.at(-1));
  const name = textIn(ref.name);
  const resolver = textIn(ref.resolver);
  if (isGiven(ref.params)) {
    if (name !== '') findings.error(at, `${field} must have either a name or params of a resolver, but has both`);
    if (resolver === '') findings.error(at, `${field} has params, but no resolver that takes them`);
    checkGiven(ref.params, [...at, 'params'], field, findings, { ignoresCase: true });
    return;
  }
  if (name === '') {
    if (resolver === '') findings.error(at, `${field} must have a name or a resolver`);
    return;
  }
  if (/[\w-]+:\/\/*/.test(name)) {
    findings.warning(
      [...at, 'name'],
      `${field}.name is a URL: Tekton takes it only with enable-concise-resolver-syntax`,
    );
    if (resolver === '') findings.error(at, `${field}.name is a URL, and there is no resolver for it`);
    return;
  }
  if (resolver !== '') {
    findings.error(
      [...at, 'name'],
      `${field} with the resolver ${resolver} must name what it wants in params, not by name`,
    );
  } else if (!isQualifiedName(name) && !name.includes('$(')) {
    findings.error([...at, 'name'], `${field}.name ${JSON.stringify(name)} cannot be the name of an object`);
  } else if (!isQualifiedName(name)) {
    findings.error([...at, 'name'], `${field}.name cannot hold variables: ${JSON.stringify(name)}`);
  }
}
