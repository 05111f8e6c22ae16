import { Buffer } from 'node:buffer';
import { type BytePath, fromText, shown, toBytes } from '../../runtime/archive/path.ts';

/** Lines of JSON for machines. Nothing in them is a command to a terminal. */
export function jsonText(value: unknown): string {
  // JSON itself escapes only what is below a space.
  const text = JSON.stringify(value, null, 2).replace(/[\x7f-\x9f]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `${text}\n`;
}

/** A path for machines: as it is where it is UTF-8, else as people are shown it. */
export function exactPath(path: BytePath): string {
  const raw = toBytes(path);
  const text = raw.toString('utf8');
  return Buffer.from(text).equals(raw) ? text : shown(path);
}

/** Text that others wrote, for people: `\xNN` for control characters. */
export function shownText(text: string): string {
  return shown(fromText(text));
}
