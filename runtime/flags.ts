import minimist from 'minimist';
import { invalid } from './errors.ts';
import type { LogFormat, LogLevel } from './log.ts';
import { choice, integer, kebab, type Param, type Params, text } from './params.ts';
import type { StepDefinition } from './step.ts';
import { splitWords } from './words.ts';

/** Flags that every step has, beside its own params. */
export const commonParams = {
  logFormat: choice<LogFormat, { default: 'text' }>(['text', 'json'], 'Lines for people, or JSON for machines.', {
    default: 'text',
  }),
  logLevel: choice<LogLevel, { default: 'info' }>(
    ['debug', 'info', 'warn', 'error'],
    'The least level that is logged.',
    {
      default: 'info',
    },
  ),
  resultsLimit: integer(
    'Bytes that all results may take. Default: what the kubelet keeps, 4096, or less in a pod of more than three containers. Set it where Tekton reads results from sidecar logs.',
    { min: 256 },
  ),
};

/** Flags of steps that talk to Kubernetes, for use outside a cluster. */
export const kubeParams = {
  kubeconfig: text("kubeconfig file. Default: KUBECONFIG, then the pod's service account, then ~/.kube/config.", {
    short: 'k',
  }),
  context: text('Context of the kubeconfig.'),
};

/** A command line, taken apart: text by flag name, not yet checked. */
export interface Flags {
  /** Values by kebab-case name; an empty value counts as not given, because a Task cannot leave a flag out. */
  given: Map<string, string[]>;
  /** Paths of result files by result name. */
  results: Map<string, string>;
  help: boolean;
  version: boolean;
}

/** All flags of a step but `--help` and `--version`. */
export function flagsOf(step: StepDefinition): Params {
  return { ...step.params, ...commonParams, ...(step.rbac === undefined ? {} : kubeParams) };
}

/**
 * Reads `--name=value` flags (minimist).
 * @throws SubpipeError `INVALID` for a flag that the step does not have, or a word that belongs to no flag.
 */
export function parseFlags(step: StepDefinition, words: readonly string[]): Flags {
  const params = flagsOf(step);
  const argv = step.replaces === undefined ? words : longFlags(params, words);
  const names = Object.keys(params).map(kebab);
  const results = Object.keys(step.results).map(kebab);
  const toggles = new Set(
    Object.entries(params)
      .filter(([, param]) => param.form === 'true|false')
      .map(([name]) => `--${kebab(name)}`),
  );
  const end = argv.indexOf('--');
  const head = (end < 0 ? argv : argv.slice(0, end)).map((word) => (toggles.has(word) ? `${word}=true` : word));
  // minimist takes --no-x for --x=false.
  const negated = head.find((word) => word.startsWith('--no-') && !names.includes(word.slice(2).replace(/=.*$/s, '')));
  if (negated !== undefined) throw unknownWord(negated, step, names);

  const parsed = minimist(head, {
    string: [...names, ...results.map((name) => `result.${name}`)],
    boolean: ['help', 'version'],
    alias: { h: 'help' },
    unknown: (word) => {
      throw unknownWord(word, step, names);
    },
  });

  const given = new Map<string, string[]>();
  for (const name of names) {
    const values = [parsed[name] ?? []]
      .flat()
      .map(String)
      .filter((value) => value !== '');
    if (values.length > 0) given.set(name, values);
  }
  for (const [name, param] of Object.entries(params)) {
    const values = given.get(kebab(name));
    if (param.commas === true && values !== undefined) {
      given.set(
        kebab(name),
        values.flatMap((value) => splitWords(value, `--${kebab(name)}`)),
      );
    }
  }
  const list = Object.entries(step.params).find(([, param]) => param.type === 'array');
  const rest = end < 0 ? [] : argv.slice(end + 1);
  if (list !== undefined && rest.length > 0) given.set(kebab(list[0]), [...(given.get(kebab(list[0])) ?? []), ...rest]);
  if (list === undefined && rest.length > 0) throw unknownWord(rest[0] ?? '', step, names);

  const paths: Record<string, string | string[]> = parsed.result ?? {};
  return {
    given,
    results: new Map(
      Object.entries(paths).flatMap(([name, path]) => {
        const last = [path].flat().at(-1) ?? '';
        return last === '' ? [] : [[name, last] as const];
      }),
    ),
    help: parsed.help === true,
    version: parsed.version === true,
  };
}

/**
 * `-f x`, `-fx`, `-Bf x`, `--providerToken x` as `--name=x`: what commands written in Go take (pflag). A flag that wants a value takes
 * the next word, whatever it looks like.
 */
function longFlags(params: Params, words: readonly string[]): string[] {
  const long = new Map<string, [string, Param<unknown>]>();
  for (const [name, param] of Object.entries(params)) {
    for (const key of [kebab(name), ...(param.aliases ?? [])]) long.set(`--${key}`, [kebab(name), param]);
    if (param.short !== undefined) long.set(`-${param.short}`, [kebab(name), param]);
  }
  const result: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '--') return [...result, ...words.slice(index)];
    const equals = word.indexOf('=');
    const isLong = word.startsWith('--');
    const [name, param] = long.get(isLong ? (equals < 0 ? word : word.slice(0, equals)) : word.slice(0, 2)) ?? [];
    if (name === undefined || param === undefined) {
      result.push(word);
      continue;
    }
    const rest = isLong ? (equals < 0 ? undefined : word.slice(equals + 1)) : word.slice(2) || undefined;
    if (param.form === 'true|false') {
      const more = !isLong && rest !== undefined && !rest.startsWith('=') ? [`-${rest}`] : [];
      result.push(`--${name}=${more.length > 0 ? 'true' : (rest?.replace(/^=/, '') ?? 'true')}`);
      if (more.length > 0) result.push(...longFlags(params, [...more, ...words.slice(index + 1)]));
      if (more.length > 0) return result;
    } else if (rest !== undefined) result.push(`--${name}=${isLong ? rest : rest.replace(/^=/, '')}`);
    else if (index + 1 < words.length) result.push(`--${name}=${words[++index]}`);
    else throw invalid(`${word} has no value: expected ${param.form}`);
  }
  return result;
}

function unknownWord(word: string, step: StepDefinition, names: string[]): Error {
  const flag = /^--?([^=]+)/.exec(word)?.[1];
  const hint = `Run ${step.name} --help for all flags.`;
  if (flag === undefined)
    return invalid(`the word ${JSON.stringify(word)} belongs to no flag: expected --name=value`, { hint });
  const near = names.find(
    (name) =>
      name.startsWith(flag) ||
      flag.startsWith(name) ||
      name.replaceAll('-', '') === flag.replaceAll(/[-_]/g, '').toLowerCase(),
  );
  return invalid(`there is no flag --${flag}${near === undefined ? '' : `: did you mean --${near}?`}`, { hint });
}

/**
 * Checks every param and gives their values by TypeScript name.
 * @throws SubpipeError `INVALID` that names the flag, what was expected and what came.
 */
export async function readParams(params: Params, given: Map<string, string[]>): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const [name, param] of Object.entries(params)) {
    const flag = kebab(name);
    const texts = given.get(flag) ?? (param.default === undefined ? undefined : [param.default].flat());
    if (texts === undefined && param.required) {
      throw invalid(
        `--${flag} is missing: expected ${param.form}, ${param.description.replace(/^./, (c) => c.toLowerCase())}`,
      );
    }
    values[name] = await param.parse(texts ?? [], `--${flag}`);
  }
  return values;
}
