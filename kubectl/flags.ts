import minimist from 'minimist';
import { invalid } from '../runtime/errors.ts';

/** One flag of a command. */
export interface Flag {
  name: string;
  short?: string;
  /** What its value looks like, for `--help`; unset for a flag without a value. */
  form?: string;
  description: string;
  /** May be given again and again. */
  repeat?: true;
}

/** The flags that were given. */
export interface Given {
  text(name: string): string | undefined;
  all(name: string): string[];
  has(name: string): boolean;
}

const common: readonly Flag[] = [{ name: 'help', short: 'h', description: 'This text.' }];

/**
 * Reads a command line (minimist).
 * @throws SubpipeError `INVALID` for an unknown flag, one without its value, or one given twice.
 */
export function parseWords(known: readonly Flag[], argv: readonly string[], hint: string): Given & { words: string[] } {
  const flags = [...known, ...common];
  const parsed = minimist([...argv], {
    // A word that looks like a number is none.
    string: ['_', ...flags.filter(({ form }) => form !== undefined).map(({ name }) => name)],
    boolean: flags.filter(({ form }) => form === undefined).map(({ name }) => name),
    alias: Object.fromEntries(flags.flatMap(({ name, short }) => (short === undefined ? [] : [[name, short]]))),
    unknown: (word) => {
      if (!word.startsWith('-') || word === '-') return true;
      throw invalid(`there is no flag ${word.replace(/=.*/s, '')}`, { hint });
    },
  });
  const values = new Map<string, string[]>();
  for (const { name, form, repeat } of flags) {
    const given: unknown[] = [parsed[name] ?? []].flat();
    if (form === undefined) {
      if (given.includes(true)) values.set(name, []);
      continue;
    }
    if (given.length === 0) continue;
    if (given.length > 1 && repeat !== true)
      throw invalid(`--${name} is given ${given.length} times: expected one ${form}`);
    if (given.includes('')) throw invalid(`--${name} has no value: expected ${form}`, { hint });
    values.set(name, given.map(String));
  }
  return {
    words: parsed._.map(String),
    text: (name) => values.get(name)?.[0],
    all: (name) => values.get(name) ?? [],
    has: (name) => values.has(name),
  };
}

/** The table of flags for `--help`. */
export function flagRows(flags: readonly Flag[]): string[] {
  const rows = [...flags, ...common].map(({ name, short, form, description, repeat }) => {
    const long = form === undefined ? `--${name}` : `--${name} ${form}`;
    return [`${short === undefined ? '    ' : `-${short}, `}${long}${repeat ? '...' : ''}`, description] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
