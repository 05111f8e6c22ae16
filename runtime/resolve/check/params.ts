import type { FieldPath } from '../document.ts';
import type { Findings } from './findings.ts';
import { didYouMean } from './names.ts';
import { declaredType } from './scope.ts';
import { fieldsIn, type Item, isGiven, itemsOf, repeated, textIn, textsIn, typeOfValue } from './values.ts';

/** Declared params: names, types, defaults (docs/pipelines.md, Specifying Parameters). `owner`: `the Pipeline`. */
export function checkDeclarations(params: unknown, at: FieldPath, owner: string, findings: Findings): void {
  const items = itemsOf(params, at);
  for (const { at: second, name } of repeated(items))
    findings.error(second, `${owner} declares the param ${name} twice`);
  for (const item of items) checkDeclaration(item, owner, findings);
}

function checkDeclaration({ at, name, fields }: Item, owner: string, findings: Findings): void {
  const type = declaredType(fields);
  const written = textIn(fields.type);
  if (written !== '' && written !== type) {
    findings.error([...at, 'type'], `param ${name} must be of the type string, array or object, but is ${written}`);
    return;
  }
  const { default: value, properties } = fields;
  if (isGiven(value) && typeOfValue(value) !== type) {
    const came = `but its default is ${withArticle(typeOfValue(value))}`;
    findings.error([...at, 'default'], `param ${name} of ${owner} is ${withArticle(type)}, ${came}`);
  }
  for (const [key, property] of Object.entries(fieldsIn(properties))) {
    const of = textIn(fieldsIn(property).type);
    if (of !== '' && of !== 'string') {
      findings.error(
        [...at, 'properties', key],
        `the key ${key} of param ${name} must be of the type string, but is ${of}`,
      );
    }
  }
  if (type === 'object' && !isGiven(properties)) {
    findings.error(at, `param ${name} of ${owner} is an object: expected its keys in properties`);
  }
  const values = textsIn(fields.enum);
  if (values.length === 0) return;
  if (type !== 'string')
    findings.error([...at, 'enum'], `param ${name} has an enum: expected the type string, not ${type}`);
  if (new Set(values).size < values.length)
    findings.error([...at, 'enum'], `the enum of param ${name} has a value twice`);
  if (typeof value === 'string' && value !== '' && !values.includes(value)) {
    findings.error(
      [...at, 'default'],
      `the default ${value} of param ${name} is not in its enum: expected ${values.join(', ')}`,
    );
  }
  findings.warning([...at, 'enum'], `param ${name} has an enum: Tekton takes it only with enable-param-enum`);
}

/** Names of a Task's params. Pipelines may declare others, but no Task can. */
export function checkParamNames(params: unknown, at: FieldPath, findings: Findings): void {
  for (const { at: place, name, fields } of itemsOf(params, at)) {
    const isObject = declaredType(fields) === 'object';
    const pattern = isObject ? /^[_a-zA-Z][_a-zA-Z0-9-]*$/ : /^[_a-zA-Z][_a-zA-Z0-9.-]*$/;
    const odd = [name, ...(isObject ? Object.keys(fieldsIn(fields.properties)) : [])].find((one) => !pattern.test(one));
    if (odd === undefined) continue;
    const allowed = `letters, digits, - and _${isObject ? '' : ' and .'}, a letter or _ first`;
    findings.error(place, `${JSON.stringify(odd)} cannot be a param's name: expected ${allowed}`);
  }
}

/** Given params: each once, each with a value. Runs and resolvers take no two that differ in nothing but case. */
export function checkGiven(
  params: unknown,
  at: FieldPath,
  owner: string,
  findings: Findings,
  options: { ignoresCase?: boolean } = {},
): void {
  const items = itemsOf(params, at);
  const compared = options.ignoresCase ? items.map((item) => ({ ...item, name: item.name.toLowerCase() })) : items;
  for (const { at: second, name } of repeated(compared))
    findings.error(second, `${owner} gives the param ${name} twice`);
  for (const { at: place, name, fields } of items) {
    if (fields.value === undefined) findings.error(place, `the param ${name} of ${owner} has no value`);
  }
}

/** What is given against what is declared: by a run to its Pipeline, by a pipeline task to its Task. */
export function checkFit(
  given: { params: readonly Item[]; at: FieldPath; who: string },
  declared: { params: unknown; whose: string },
  options: { mayRefer: boolean; others: ReadonlySet<string> },
  findings: Findings,
): void {
  const byName = new Map(given.params.map((item) => [item.name, item]));
  for (const { name, fields } of itemsOf(declared.params, [])) {
    const item = byName.get(name);
    if (item === undefined) {
      if (isGiven(fields.default) || options.others.has(name)) continue;
      const strangers = [...byName.keys()].filter(
        (one) => !itemsOf(declared.params, []).some((param) => param.name === one),
      );
      const meant = didYouMean(name, strangers);
      findings.error(given.at, `${given.who} gives no param ${name}, which ${declared.whose} requires${meant}`);
      continue;
    }
    const { value } = item.fields;
    if (value === undefined) continue;
    const type = declaredType(fields);
    const is = typeOfValue(value);
    const isReference =
      options.mayRefer && is === 'string' && /\$\([_a-zA-Z0-9.-]+(\[(\d+|\*)\])?\)/.test(textIn(value));
    if (is !== type) {
      if (isReference) continue;
      const came = `but ${declared.whose} declares ${withArticle(type)}`;
      findings.error([...item.at, 'value'], `${given.who} gives the param ${name} as ${withArticle(is)}, ${came}`);
      continue;
    }
    if (type === 'object') {
      const keys = new Set([...Object.keys(fieldsIn(value)), ...Object.keys(fieldsIn(fields.default))]);
      const missing = Object.keys(fieldsIn(fields.properties)).filter((key) => !keys.has(key));
      if (missing.length > 0) {
        findings.error(
          [...item.at, 'value'],
          `the param ${name} lacks the key ${missing.join(', ')}, which ${declared.whose} requires`,
        );
      }
    }
    const values = textsIn(fields.enum);
    if (values.length > 0 && typeof value === 'string' && !value.includes('$(') && !values.includes(value)) {
      findings.error([...item.at, 'value'], `the param ${name} must be one of ${values.join(', ')}, but is ${value}`);
    }
  }
}

const withArticle = (type: string): string => (type === 'string' ? 'a string' : `an ${type}`);
