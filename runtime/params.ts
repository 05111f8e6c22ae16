import { parseDuration } from './duration.ts';
import { invalid } from './errors.ts';
import { textMapOf } from './shape.ts';
import { splitWords } from './words.ts';
import { parseYaml } from './yaml.ts';

/** One input of a step: a flag on the command line, a param of the Task, a row of the README's table. */
export interface Param<T> {
  description: string;
  /** What a value looks like, for `--help` and error messages. */
  form: string;
  /** The Task param's type. A list is passed after `--`, so that no element can be taken for a flag. */
  type: 'string' | 'array';
  required: boolean;
  /** The default as a user would write it. Unset: the param may be left out and then is `undefined`. */
  default?: string | string[] | undefined;
  /** A fixed value in the Task, such as `$(workspaces.source.path)`: then it is a flag, but no param of the Task. */
  bound?: string | undefined;
  /** One letter that stands for the flag, for steps that take the place of another command. */
  short?: string | undefined;
  /** Other names of the flag, as that command writes them. */
  aliases?: readonly string[] | undefined;
  /** A list's flag may have several values, parted by commas; what follows `--` is taken as it is. */
  commas?: boolean | undefined;
  /** Turns the flag's text into its value. `where` names the flag. @throws SubpipeError `INVALID`. */
  parse(given: string[], where: string): T | Promise<T>;
}

/** Params by name: `dryRun` in TypeScript is `--dry-run` on the command line and `dry-run` in the Task. */
// biome-ignore lint/suspicious/noExplicitAny: the value type of each param is kept by ValuesOf
export type Params = Record<string, Param<any>>;

export type ValuesOf<P extends Params> = { [K in keyof P]: P[K] extends Param<infer T> ? T : never };

interface Options {
  required?: boolean | undefined;
  default?: string | undefined;
  bound?: string | undefined;
  short?: string | undefined;
  aliases?: readonly string[] | undefined;
}
/** Unset stays `undefined` unless the param is required or has a default. */
type Given<T, O extends Options> = O extends { required: true } | { default: string } ? T : T | undefined;

function single<T, O extends Options>(
  description: string,
  form: string,
  options: O | undefined,
  parse: (text: string, where: string) => T | Promise<T>,
): Param<Given<T, O>> {
  const { required = false, ...rest } = options ?? ({} as O);
  return {
    description,
    form,
    type: 'string',
    required,
    ...rest,
    parse: (given, where) => {
      const text = given.at(-1);
      return (text === undefined ? undefined : parse(text, where)) as Given<T, O> | Promise<Given<T, O>>;
    },
  };
}

/** Any text. */
export function text<const O extends Options>(description: string, options?: O): Param<Given<string, O>> {
  return single(description, 'TEXT', options, (value) => value);
}

/** A name as Kubernetes takes it (RFC 1123 subdomain). */
export function resourceName<const O extends Options>(description: string, options?: O): Param<Given<string, O>> {
  return single(description, 'NAME', options, (value, where) => {
    if (value.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(value)) return value;
    throw invalid(
      `${where} must be a Kubernetes name (lower case letters, digits, - and .), but is ${JSON.stringify(value)}`,
    );
  });
}

/** A whole number within bounds, both included. */
export function integer<const O extends Options & { min?: number; max?: number }>(
  description: string,
  options?: O,
): Param<Given<number, O>> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, ...rest } = options ?? {};
  return single(description, 'N', rest, (value, where) => {
    const number = Number(value);
    if (/^-?\d+$/.test(value) && number >= min && number <= max) return number;
    const most = max === Number.MAX_SAFE_INTEGER ? 'or more' : `to ${max}`;
    throw invalid(`${where} must be a whole number, ${min} ${most}, but is ${JSON.stringify(value)}`);
  }) as Param<Given<number, O>>;
}

/** A duration such as `1h30m`; its value is in ms. */
export function duration<const O extends Options>(description: string, options?: O): Param<Given<number, O>> {
  return single(description, 'DURATION', options, parseDuration);
}

/** One of a closed set. */
export function choice<const C extends string, const O extends Options & { default?: C }>(
  choices: readonly C[],
  description: string,
  options?: O,
): Param<Given<C, O>> {
  return single(description, choices.join('|'), options, (value, where) => {
    const found = choices.find((one) => one === value);
    if (found !== undefined) return found;
    throw invalid(`${where} must be one of ${choices.join(', ')}, but is ${JSON.stringify(value)}`);
  });
}

/** `true` or `false`; a bare flag is `true`. Default `false`. */
export function toggle(
  description: string,
  options: { default?: 'true' | 'false'; short?: string; aliases?: readonly string[] } = {},
): Param<boolean> {
  return choiceOfBoolean(description, { ...options, default: options.default ?? 'false' });
}

function choiceOfBoolean(
  description: string,
  options: { default: string; short?: string; aliases?: readonly string[] },
): Param<boolean> {
  return single(description, 'true|false', options, (value, where) => {
    if (value === 'true' || value === 'false') return value === 'true';
    throw invalid(`${where} must be true or false, but is ${JSON.stringify(value)}`);
  });
}

/** YAML or JSON, turned into what it means by `read`. */
export function yaml<T, const O extends Options = Options>(
  description: string,
  read: (value: unknown, where: string) => T,
  options?: O,
): Param<Given<T, O>> {
  return single(description, 'YAML', options, async (value, where) => read(await parseYaml(value, where), where));
}

/** A map of strings as YAML: `{team: ci, env: prod}`. */
export function textMap<const O extends Options>(
  description: string,
  options?: O,
): Param<Given<Record<string, string>, O>> {
  return yaml(description, textMapOf, options) as Param<Given<Record<string, string>, O>>;
}

/**
 * A list of texts: the words after `--`, or the flag repeated. A step has at most one:
 * in the Task its elements follow `--`, so that an element such as `--namespace=x` stays an element.
 */
export function list(
  description: string,
  options: { required?: boolean; form?: string; short?: string; commas?: boolean } = {},
): Param<string[]> {
  const { required = false, form = 'TEXT', ...rest } = options;
  const standard = required ? {} : { default: [] };
  return { description, form, type: 'array', required, ...standard, ...rest, parse: (given) => given };
}

/** Texts parted by commas or line breaks, in one flag or several; a text with a comma in it stands in double quotes. */
export function words(
  description: string,
  options: { form?: string; short?: string; aliases?: readonly string[]; bound?: string } = {},
): Param<string[]> {
  const { form = 'TEXT,…', ...rest } = options;
  const parse = (given: string[], where: string) => given.flatMap((text) => splitWords(text, where));
  return { description, form, type: 'string', required: false, ...rest, parse };
}

/** `dryRun` → `dry-run`. Names all in capitals stay as they are: `IMAGE_DIGEST` is what Tekton Chains looks for. */
export function kebab(name: string): string {
  if (/^[A-Z][A-Z0-9_]*$/.test(name)) return name;
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
