import { SubpipeError } from '../errors.ts';
import { describe, isFields } from '../shape.ts';
import type { Param, ParamSpec, ParamValue, PipelineSpec, WorkspaceBinding } from '../tekton/types.ts';

/** A param of a call: a value with its type, or the text of a `name=value` word, typed by what the child declares. */
export type GivenParam = { name: string; value: ParamValue } | { name: string; text: string };

/** A value that is known only when another call has ended. */
export function isPending(value: unknown): boolean {
  return JSON.stringify(value)?.includes('${calls.') === true;
}

/**
 * The params and workspaces of a call against what the Pipeline declares, as Tekton would check them, but before anything
 * is created: missing, unknown, of the wrong type, outside an enum, objects without a required key.
 *
 * @returns The params with the declared types.
 * @throws SubpipeError `INVALID` that names every finding.
 */
export function checkCall(
  title: string,
  spec: PipelineSpec,
  params: readonly GivenParam[],
  workspaces: readonly WorkspaceBinding[],
): Param[] {
  const findings: string[] = [];
  const declared = spec.params ?? [];
  const typed: Param[] = [];
  for (const name of new Set(params.map((param) => param.name))) {
    if (params.filter((param) => param.name === name).length > 1) findings.push(`param ${name} is given twice`);
  }
  for (const param of params) {
    const wanted = declared.find(({ name }) => name === param.name);
    if (wanted === undefined) {
      const names = declared.map(({ name }) => name);
      findings.push(`unknown param ${param.name} (it has ${names.length === 0 ? 'none' : names.join(', ')})`);
      continue;
    }
    const value = 'text' in param ? typedText(param.text, wanted) : param.value;
    const finding = isPending(value) ? undefined : mismatch(value, wanted);
    if (finding === undefined) typed.push({ name: param.name, value });
    else findings.push(finding);
  }
  for (const { name } of declared.filter(
    (one) => one.default === undefined && !params.some((param) => param.name === one.name),
  )) {
    findings.push(`missing param ${name}`);
  }
  const spaces = spec.workspaces ?? [];
  for (const { name } of workspaces.filter((one) => !spaces.some((space) => space.name === one.name))) {
    findings.push(
      `unknown workspace ${name} (it has ${spaces.length === 0 ? 'none' : spaces.map((space) => space.name).join(', ')})`,
    );
  }
  for (const { name } of spaces.filter(
    (one) => one.optional !== true && !workspaces.some((binding) => binding.name === one.name),
  )) {
    findings.push(`missing workspace ${name}`);
  }
  if (findings.length > 0) {
    throw new SubpipeError('INVALID', `the call of ${title} does not fit: ${findings.join('; ')}`, {
      hint: 'Nothing was created.',
    });
  }
  return typed;
}

/** What does not fit among params whose references have been replaced: those that {@link checkCall} could not judge. */
export function findingsIn(spec: PipelineSpec, params: readonly Param[]): string[] {
  return params.flatMap(({ name, value }) => {
    const wanted = spec.params?.find((param) => param.name === name);
    return (wanted === undefined ? undefined : mismatch(value, wanted)) ?? [];
  });
}

/** The type of a declared param, where it is not written down. */
export function typeOf(spec: ParamSpec): 'string' | 'array' | 'object' {
  if (spec.type !== undefined) return spec.type;
  // As Tekton's webhook sets it: by the default, or object where there are properties.
  if (spec.properties !== undefined || isFields(spec.default)) return 'object';
  return Array.isArray(spec.default) ? 'array' : 'string';
}

/** The value of a `name=value` word: text, or JSON where the child declares an array or object. */
function typedText(text: string, spec: ParamSpec): ParamValue {
  if (typeOf(spec) === 'string') return text;
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) || isFields(value)) return value as ParamValue;
  } catch {
    // mismatch() says what was expected
  }
  return text;
}

function mismatch(value: ParamValue, spec: ParamSpec): string | undefined {
  const type = typeOf(spec);
  const is = Array.isArray(value) ? 'array' : typeof value;
  if (is !== type)
    return `param ${spec.name} must be ${type === 'string' ? 'a string' : `an ${type}`}, but is ${describe(value)}`;
  if (spec.enum !== undefined && typeof value === 'string' && !spec.enum.includes(value)) {
    return `param ${spec.name} must be one of ${spec.enum.join(', ')}, but is ${JSON.stringify(value)}`;
  }
  if (isFields(value)) {
    const given = new Set([...Object.keys(value), ...(isFields(spec.default) ? Object.keys(spec.default) : [])]);
    const missing = Object.keys(spec.properties ?? {}).filter((key) => !given.has(key));
    if (missing.length > 0) return `param ${spec.name} lacks the key ${missing.join(', ')}`;
  }
  const entries = Array.isArray(value) ? value : isFields(value) ? Object.values(value) : [];
  const odd = entries.find((entry) => typeof entry !== 'string');
  return odd === undefined ? undefined : `param ${spec.name} may hold strings only, but holds ${describe(odd)}`;
}
