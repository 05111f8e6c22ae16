import type { ErrorObject, ValidateFunction } from 'ajv';
import { describe, isFields } from '../../shape.ts';
import type { FieldPath } from '../document.ts';
import type { Findings } from './findings.ts';
import { didYouMean } from './names.ts';

/**
 * Fields and their types, by Tekton's CRDs. schema.json is made from them: `node test/resolve/schema/main.ts`.
 */
export async function checkSchema(run: unknown, findings: Findings): Promise<void> {
  compiled ??= compile();
  const check = await compiled;
  if (check(run)) return;
  for (const error of check.errors ?? []) report(error, run, findings);
}

let compiled: Promise<ValidateFunction> | undefined;

/** Takes a while, so once for all runs. */
async function compile(): Promise<ValidateFunction> {
  const [{ Ajv }, { default: schema }] = await Promise.all([
    import('ajv'),
    import('./schema.json', { with: { type: 'json' } }),
  ]);
  // The parent schema of an error says which fields there are.
  return new Ajv({ allErrors: true, strict: false, verbose: true }).compile(schema);
}

function report(error: ErrorObject, run: unknown, findings: Findings): void {
  const at = pathOf(error.instancePath, run);
  const name = at.length === 0 ? 'the PipelineRun' : String(at.at(-1));
  const { params, data } = error;
  switch (error.keyword) {
    case 'additionalProperties': {
      const field = String(params.additionalProperty);
      const known = Object.keys(isFields(error.parentSchema?.properties) ? error.parentSchema.properties : {});
      const meant = didYouMean(field, known);
      // Tekton's webhook does not mind case, where it is the one that reads: the API server does not look into pipelineSpec.
      const isCase = at[1] === 'pipelineSpec' && known.some((one) => one.toLowerCase() === field.toLowerCase());
      const say = isCase ? 'warning' : 'error';
      findings[say]([...at, field], `there is no field ${field} here${meant || `: expected ${list(known)}`}`);
      return;
    }
    case 'type': {
      const types: unknown[] = Array.isArray(params.type) ? params.type : [params.type];
      const wanted = types.filter((type) => type !== 'null').map((type) => words[String(type)] ?? String(type));
      findings.error(at, `${fieldName(at)} must be ${wanted.join(' or ')}, but is ${describe(data)}`);
      return;
    }
    case 'enum':
      findings.error(at, `${name} must be one of ${list(params.allowedValues)}, but is ${describe(data)}`);
      return;
    case 'pattern':
      findings.error(at, `${name} must look like ${params.pattern}, but is ${describe(data)}`);
      return;
    default:
      findings.error(at, `${name} ${error.message ?? 'is not valid'}, but is ${describe(data)}`);
  }
}

const words: Record<string, string> = {
  string: 'a text (put it in quotes)',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

function fieldName(at: FieldPath): string {
  const last = at.at(-1);
  if (typeof last !== 'number') return String(last ?? 'the PipelineRun');
  return `${String(at.at(-2))}[${last}]`;
}

function list(names: unknown): string {
  return Array.isArray(names) && names.length > 0 ? names.join(', ') : 'no fields at all';
}

/** A JSON pointer (RFC 6901), with the indexes of lists as numbers. */
function pathOf(pointer: string, root: unknown): FieldPath {
  let at = root;
  return pointer
    .split('/')
    .slice(1)
    .map((escaped) => {
      const part = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
      const inList = Array.isArray(at);
      at = typeof at === 'object' && at !== null ? Object.entries(at).find(([key]) => key === part)?.[1] : undefined;
      return inList ? Number(part) : part;
    });
}
