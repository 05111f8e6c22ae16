import { Buffer } from 'node:buffer';
import type { BytePath } from '../path.ts';

/** Bytes of a tar block (POSIX.1-2017, pax, "ustar Interchange Format"). */
export const block = 512;

/** Rounded up to whole blocks. */
export function padded(size: number): number {
  return Math.ceil(size / block) * block;
}

/** What a tar says of an entry before its content. */
export interface TarHeader {
  /** As it is in the tar, byte for byte. */
  path: string;
  type: 'file' | 'folder' | 'symlink' | 'hardlink' | 'other';
  /** Of `other`, for people. */
  what?: string;
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of a file's content. */
  size: number;
  /** Seconds since 1970, rounded down. */
  mtime: number;
  /** 0 to 999,999,999 more. */
  nanoseconds: number;
  /** Where a link points. */
  target?: string;
  /** Extended attributes by name. */
  attributes?: Map<string, Buffer>;
  /** Parts of a sparse file that have content; the rest is zeros. */
  parts?: { at: number; length: number }[];
}

const flags = { file: '0', hardlink: '1', symlink: '2', folder: '5', other: '0' } as const;

/** The largest numbers that ustar's octal fields hold. */
const largestSize = 0o77777777777;
const largestId = 0o7777777;

/**
 * An entry's header in the PAX format: ustar where all fits, with an extended header before it where not: long names,
 * names that are not ASCII, large numbers, fractions of seconds, extended attributes. No owner names, no other times.
 *
 * @param add gets the bytes, which are written over by the next header: it copies them.
 */
export function writeHeader(header: TarHeader & { path: BytePath }, add: (bytes: Buffer) => void): void {
  const name = header.type === 'folder' ? `${header.path}/` : header.path;
  const target = header.target ?? '';
  const split = splitName(name);
  const tooEarlyOrLate = header.mtime < 0 || header.mtime > largestSize;
  // A character a byte, as in paths.
  let records = '';
  const tell = (key: string, value: string): void => {
    records += encodeRecord(key, value);
  };
  if (!isUtf8(name) || !isUtf8(target)) tell('hdrcharset', 'BINARY');
  if (split === undefined) tell('path', name);
  if (target.length > 100 || !isAscii(target)) tell('linkpath', target);
  if (header.size > largestSize) tell('size', String(header.size));
  if (header.uid > largestId) tell('uid', String(header.uid));
  if (header.gid > largestId) tell('gid', String(header.gid));
  if (header.nanoseconds !== 0 || tooEarlyOrLate) tell('mtime', decimal(header.mtime, header.nanoseconds));
  for (const [key, value] of header.attributes ?? []) tell(`SCHILY.xattr.${key}`, value.toString('latin1'));
  if (records !== '') {
    const size = records.length;
    add(encodeBlock('x', { name: 'PaxHeader', prefix: '' }, '', { mode: 0o644, uid: 0, gid: 0, size, mtime: 0 }));
    const room = padded(size) <= content.length ? content.subarray(0, padded(size)) : Buffer.alloc(padded(size));
    room.fill(0, size);
    room.write(records, 0, 'latin1');
    add(room);
  }
  const numbers = tooEarlyOrLate ? { ...header, mtime: 0 } : header;
  add(
    encodeBlock(flags[header.type], split ?? { name: name.slice(0, 100), prefix: '' }, target.slice(0, 100), numbers),
  );
}

/** {@link writeHeader}, as bytes of its own. */
export function encodeHeader(header: TarHeader & { path: BytePath }): Buffer {
  const parts: Buffer[] = [];
  writeHeader(header, (bytes) => parts.push(Buffer.from(bytes)));
  return Buffer.concat(parts);
}

/** Where the records of most headers are put together. */
const content = Buffer.alloc(8 * block);

/** `LENGTH KEY=VALUE\n`, where LENGTH counts itself. */
function encodeRecord(key: string, value: string): string {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

/** A name of up to 100 bytes, or 155 and 100 at a slash. Undefined where it needs a PAX record. */
function splitName(name: string): { name: string; prefix: string } | undefined {
  if (!isAscii(name)) return undefined;
  if (name.length <= 100) return { name, prefix: '' };
  const at = name.indexOf('/', name.length - 101);
  if (at <= 0 || at > 155 || at === name.length - 1) return undefined;
  return { name: name.slice(at + 1), prefix: name.slice(0, at) };
}

/** The one block that all headers are made in: a tree has tens of thousands. */
const bytes = Buffer.alloc(block);

/** Most files have the mode and owner of the one before. */
let last = { mode: -1, uid: -1, gid: -1, text: '' };

function encodeBlock(
  flag: string,
  { name, prefix }: { name: string; prefix: string },
  target: string,
  numbers: { mode: number; uid: number; gid: number; size: number; mtime: number },
): Buffer {
  bytes.fill(0);
  bytes.write(name, 0, 'latin1');
  const uid = numbers.uid > largestId ? 0 : numbers.uid;
  const gid = numbers.gid > largestId ? 0 : numbers.gid;
  const size = numbers.size > largestSize ? 0 : numbers.size;
  if (numbers.mode !== last.mode || uid !== last.uid || gid !== last.gid) {
    const text = `${octal(numbers.mode, 7)}\0${octal(uid, 7)}\0${octal(gid, 7)}\0`;
    last = { mode: numbers.mode, uid, gid, text };
  }
  bytes.write(`${last.text}${octal(size, 11)}\0${octal(numbers.mtime, 11)}\0        ${flag}${target}`, 100, 'latin1');
  bytes.write('ustar\x0000', 257, 'latin1');
  bytes.write(prefix, 345, 'latin1');
  let sum = 0;
  for (let i = 0; i < 265; i++) sum += bytes[i] ?? 0;
  for (let i = 345; i < 345 + prefix.length; i++) sum += bytes[i] ?? 0;
  bytes.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return bytes;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** `-1` and 900,000,000 ns are `-0.1`: the fraction counts up from the second below. */
function decimal(seconds: number, nanoseconds: number): string {
  const negative = seconds < 0 && nanoseconds > 0;
  const whole = negative ? -seconds - 1 : Math.abs(seconds);
  const fraction = String(negative ? 1e9 - nanoseconds : nanoseconds)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${seconds < 0 ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

function isUtf8(text: string): boolean {
  if (isAscii(text)) return true;
  const raw = Buffer.from(text, 'latin1');
  return Buffer.from(raw.toString('utf8')).equals(raw);
}
