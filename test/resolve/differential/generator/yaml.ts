import { isFields } from '../../../../runtime/shape.ts';
import type { Random } from './random.ts';

/** A value as YAML, written as people and programs do: blocks, flow, quotes of either kind. It ends with a newline. */
export function yamlOf(value: unknown, random: Random): string {
  if (random.chance(0.05)) return `${JSON.stringify(value, null, random.pick([0, 2]))}\n`;
  const style: Style = { random, step: random.pick([2, 2, 4]), dash: random.pick([0, 2]) };
  return block(value, 0, style).replace(/^\n/, '');
}

interface Style {
  random: Random;
  /** Spaces that a map in a map is indented by. */
  step: number;
  /** Spaces that a list in a map is indented by. */
  dash: number;
}

function block(value: unknown, indent: number, style: Style): string {
  const { random, step, dash } = style;
  const pad = ' '.repeat(indent);
  if (Array.isArray(value) && value.length > 0 && !random.chance(0.1)) {
    return value
      .map((one) => {
        const text = block(one, indent + 2, style);
        return `\n${pad}- ${isNested(text) ? text.trimStart() : text.slice(1)}`.replace(/\n$/, '');
      })
      .join('')
      .concat('\n');
  }
  if (isFields(value) && Object.keys(value).length > 0 && !random.chance(0.1)) {
    return Object.entries(value)
      .map(([key, one]) => {
        const text = block(one, indent + (Array.isArray(one) ? dash : step), style);
        return `\n${pad}${/^[\w./-]+$/.test(key) ? key : JSON.stringify(key)}:${text}`.replace(/\n$/, '');
      })
      .join('')
      .concat('\n');
  }
  return ` ${scalar(value, indent, random)}\n`;
}

function isNested(text: string): boolean {
  return text.startsWith('\n');
}

function scalar(value: unknown, indent: number, random: Random): string {
  if (typeof value !== 'string') return flow(value);
  // A block text whose first line begins with a blank would need an indicator.
  if (value.includes('\n') && /^[^\s].*\n$/s.test(value) && !/[^\n\x20-\x7e]|\n\n$|[ \t]\n/.test(value)) {
    return `|\n${value.slice(0, -1).replace(/^(?=.)/gm, ' '.repeat(Math.max(2, indent)))}`;
  }
  if (/^[a-z][a-z-]+$/.test(value) && !words.has(value) && random.chance(0.7)) return value;
  if (/^[\x20-\x7e]*$/.test(value) && random.chance(0.3)) return `'${value.replaceAll("'", "''")}'`;
  return JSON.stringify(value);
}

const words = new Set(['yes', 'no', 'on', 'off', 'true', 'false', 'null']);

/** JSON is flow YAML, with a blank behind each comma and colon for readers that ask for it. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (!isFields(value)) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, one]) => `${JSON.stringify(key)}: ${flow(one)}`)
    .join(', ')}}`;
}
