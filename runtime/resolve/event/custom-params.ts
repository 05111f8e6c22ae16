import { explain, invalid } from '../../errors.ts';
import { addSecret } from '../../redact.ts';
import { isFields } from '../../shape.ts';
import type { RepositoryEvent } from '../event.ts';
import { type Cel, celOf } from './cel.ts';
import { commentArguments } from './comment.ts';
import type { CustomParam, RepositoryResource, SecretKey } from './repository-resource.ts';
import { declaredNames } from './substitute.ts';
import { variablesOf } from './variables.ts';

/** Reads a key of a Secret in the Repository's namespace: from a cluster, a file, a flag. `undefined`: it is not to be had here. */
export type ReadSecret = (key: SecretKey, signal?: AbortSignal) => Promise<string | undefined>;

export interface EventVariables {
  variables: Record<string, string>;
  /** Params that are left out although their filter holds, each with why. */
  warnings: readonly string[];
}

/**
 * All variables of an event: those of a Repository's `spec.params`, then the standard ones (docs: guide/customparams).
 *
 * - `value` wins over `secret_ref`; a param with neither is set by a GitOps command only (`/test run name=value`).
 * - `filter` is CEL over `body`, `files`, `pac.…` and the standard variables. Of one name, the first whose filter holds counts; among
 *   params without a filter the last.
 * - A GitOps command's arguments, then an incoming webhook's `params`, replace what has their name.
 *
 * @param options.given - names that `-p` gives: their secrets are not read.
 * @throws SubpipeError `INVALID` for a filter that has no value; and what `readSecret` throws.
 */
export async function eventVariables(
  event: RepositoryEvent,
  repository: RepositoryResource | undefined,
  options: { readSecret?: ReadSecret; given?: ReadonlySet<string>; signal?: AbortSignal } = {},
): Promise<EventVariables> {
  const standard = variablesOf(event, repository?.namespace);
  const told = commentArguments(event.comment ?? '');
  const custom: Record<string, string> = {};
  const warnings: string[] = [];
  for (const param of await passing(repository?.params ?? [], event, standard, warnings)) {
    if (param.value !== '') custom[param.name] = param.value;
    else if (param.name in told) {
      if (!(param.name in standard)) custom[param.name] = '';
    } else if (param.secret !== undefined && options.given?.has(param.name) !== true) {
      const value = await options.readSecret?.(param.secret, options.signal);
      if (value === undefined) warnings.push(noSecret(param.name, param.secret));
      else {
        addSecret(value);
        custom[param.name] = value;
      }
    }
  }
  for (const [name, value] of Object.entries(told)) if (name in custom && value !== '') custom[name] = value;
  return { variables: { ...standard, ...custom, ...incomingParams(event, warnings) }, warnings };
}

/** The params that have a name and whose filter holds. */
async function passing(
  params: readonly CustomParam[],
  event: RepositoryEvent,
  standard: Record<string, string>,
  warnings: string[],
): Promise<CustomParam[]> {
  const found: CustomParam[] = [];
  const filtered = new Set<string>();
  let cel: Cel | undefined;
  for (const [index, param] of params.entries()) {
    if (param.name === '') warnings.push(`spec.params[${index}] of the Repository has no name and is left out`);
    else if (param.filter === '') found.push(param);
    else if (!filtered.has(param.name)) {
      cel ??= await filters(event, standard);
      if (!holds(cel, param)) continue;
      filtered.add(param.name);
      found.push(param);
    }
  }
  return found;
}

function holds(cel: Cel, param: CustomParam): boolean {
  try {
    return cel.evaluate(param.filter) === true;
  } catch (error) {
    throw invalid(`the filter of the Repository's param ${param.name}: ${explain(error)}`);
  }
}

function filters(event: RepositoryEvent, standard: Record<string, string>): Promise<Cel> {
  return celOf({
    ...Object.fromEntries(
      declaredNames.map((name) => [name, name === 'pull_request_number' ? '' : (standard[name] ?? '')]),
    ),
    pac: standard,
    body: event.body ?? {},
    headers: {},
    files: { ...event.changed },
  });
}

/** An incoming webhook's own params. */
function incomingParams(event: RepositoryEvent, warnings: string[]): Record<string, string> {
  const params = event.eventType === 'incoming' ? event.body?.params : undefined;
  const found: Record<string, string> = {};
  if (!isFields(params)) return found;
  for (const [name, value] of Object.entries(params)) {
    if (typeof value === 'string') found[name] = value;
    else warnings.push(`the param ${name} of the incoming webhook is no string and is left out`);
  }
  return found;
}

function noSecret(name: string, { name: secret, key }: SecretKey): string {
  return `the param ${name} is in the key ${key} of the Secret ${secret}, which is not read here: give it with -p ${name}=…`;
}
