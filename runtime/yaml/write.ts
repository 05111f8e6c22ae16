import { looksSpecial } from './scalars.ts';

/** Block YAML that the API server's reader takes for the same value: strings such as `yes` or `010` stay strings. */
export function formatYaml(value: unknown): string {
  return written(value, false);
}

/** The same with the keys in order, as sigs.k8s.io/yaml writes them. */
export function formatSortedYaml(value: unknown): string {
  return written(value, true);
}

function written(value: unknown, sort: boolean): string {
  const parts: string[] = [];
  write(value, 0, '', parts, sort);
  return parts.join('');
}

/** Writes a value after what stands on its line already: `lead` is '' at the beginning of a line, ' ' after `key:`, '-' after a dash. */
function write(value: unknown, indent: number, lead: '' | ' ' | '-', parts: string[], sort: boolean): void {
  if (Array.isArray(value) && value.length > 0) {
    if (lead === ' ') parts.push('\n');
    for (const [index, entry] of value.entries()) {
      parts.push(lead === '-' && index === 0 ? ' ' : ' '.repeat(indent), '-');
      write(entry, indent + 2, '-', parts, sort);
    }
    return;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
    if (entries.length > 0) {
      if (sort) entries.sort(([a], [b]) => (a < b ? -1 : 1));
      if (lead === ' ') parts.push('\n');
      for (const [index, [key, entry]] of entries.entries()) {
        parts.push(lead === '-' && index === 0 ? ' ' : ' '.repeat(indent), scalar(key, undefined), ':');
        write(entry, indent + 2, ' ', parts, sort);
      }
      return;
    }
  }
  parts.push(lead === '' ? '' : ' ', leaf(value, indent), '\n');
}

function leaf(value: unknown, indent: number): string {
  if (typeof value === 'string') return scalar(value, indent);
  if (Array.isArray(value)) return '[]';
  if (typeof value === 'object' && value !== null) return '{}';
  if (typeof value !== 'number') return value === undefined ? 'null' : String(value);
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? '.nan' : value > 0 ? '.inf' : '-.inf';
}

/** Characters that a block or plain text cannot show as they are. */
const unprintable = /(?![\t\n])[\p{Cc}\p{Cs}\u2028\u2029\ufeff\ufffe\uffff]/u;
/** @param indent Where a block text would stand; `undefined` for a key. */
function scalar(text: string, indent: number | undefined): string {
  if (unprintable.test(text))
    return JSON.stringify(text).replace(/[\p{Cc}\p{Cs}\u2028\u2029\ufeff\ufffe\uffff]/gu, escaped);
  if (text.includes('\n')) return indent === undefined ? JSON.stringify(text) : block(text, indent);
  return isPlain(text) ? text : `'${text.replaceAll("'", "''")}'`;
}

/** Whether a text of one line needs no quotes, in any place of a block. */
function isPlain(text: string): boolean {
  if (!/^(?:[^\s\-?:,[\]{}#&*!|>'"%@`=]|[-?:][^\s,[\]{}])/.test(text) || /\s$/.test(text)) return false;
  if (/\t|:(?:\s|$)|\s#/.test(text) || /^(?:---|\.\.\.)/.test(text)) return false;
  return !looksSpecial(text);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function block(text: string, indent: number): string {
  // A block text of spaces and line breaks alone, or that begins with them, needs care that quotes do not.
  if (/^\s*$/.test(text)) return JSON.stringify(text);
  const body = text.replace(/\n+$/, '');
  const ends = text.length - body.length;
  const hint = /^\n*[ \t]/.test(text) ? '2' : '';
  const chomp = ends === 0 ? '-' : ends === 1 ? '' : '+';
  const pad = ' '.repeat(indent);
  const lines = body.split('\n').map((line) => (line === '' ? '' : pad + line));
  return `|${hint}${chomp}\n${lines.join('\n')}${'\n'.repeat(Math.max(0, ends - 1))}`;
}
