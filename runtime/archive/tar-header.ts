import { Buffer } from 'node:buffer';
import type { BytePath } from './path.ts';

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
 */
export function encodeHeader(header: TarHeader & { path: BytePath }): Buffer {
  const name = Buffer.from(header.type === 'folder' ? `${header.path}/` : header.path, 'latin1');
  const target = Buffer.from(header.target ?? '', 'latin1');
  const records: Buffer[] = [];
  const add = (key: string, value: string | Buffer): void => {
    records.push(encodeRecord(key, typeof value === 'string' ? Buffer.from(value) : value));
  };
  const split = splitName(name);
  if (!isUtf8(name) || !isUtf8(target)) add('hdrcharset', 'BINARY');
  if (split === undefined) add('path', name);
  if (target.length > 100 || !isAscii(target)) add('linkpath', target);
  if (header.size > largestSize) add('size', String(header.size));
  if (header.uid > largestId) add('uid', String(header.uid));
  if (header.gid > largestId) add('gid', String(header.gid));
  const tooEarlyOrLate = header.mtime < 0 || header.mtime > largestSize;
  if (header.nanoseconds !== 0 || tooEarlyOrLate) add('mtime', decimal(header.mtime, header.nanoseconds));
  for (const [key, value] of header.attributes ?? []) add(`SCHILY.xattr.${key}`, value);
  const main = encodeBlock(
    flags[header.type],
    split ?? { name: name.subarray(0, 100), prefix: Buffer.alloc(0) },
    target,
    {
      ...header,
      mtime: tooEarlyOrLate ? 0 : header.mtime,
    },
  );
  if (records.length === 0) return main;
  const size = records.reduce((sum, record) => sum + record.length, 0);
  const own = { name: Buffer.from('PaxHeader'), prefix: Buffer.alloc(0) };
  const extended = encodeBlock('x', own, Buffer.alloc(0), { mode: 0o644, uid: 0, gid: 0, size, mtime: 0 });
  return Buffer.concat([extended, ...records, Buffer.alloc(padded(size) - size), main]);
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts itself. */
function encodeRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.byteLength(key) + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')]);
}

/** A name of up to 100 bytes, or 155 and 100 at a slash. Undefined where it needs a PAX record. */
function splitName(name: Buffer): { name: Buffer; prefix: Buffer } | undefined {
  if (!isAscii(name)) return undefined;
  if (name.length <= 100) return { name, prefix: Buffer.alloc(0) };
  const at = name.indexOf('/', name.length - 101);
  if (at <= 0 || at > 155 || at === name.length - 1) return undefined;
  return { name: name.subarray(at + 1), prefix: name.subarray(0, at) };
}

function encodeBlock(
  flag: string,
  { name, prefix }: { name: Buffer; prefix: Buffer },
  target: Buffer,
  numbers: { mode: number; uid: number; gid: number; size: number; mtime: number },
): Buffer {
  const bytes = Buffer.alloc(block);
  name.copy(bytes, 0);
  bytes.write(octal(numbers.mode, 7), 100, 'latin1');
  bytes.write(octal(numbers.uid > largestId ? 0 : numbers.uid, 7), 108, 'latin1');
  bytes.write(octal(numbers.gid > largestId ? 0 : numbers.gid, 7), 116, 'latin1');
  bytes.write(octal(numbers.size > largestSize ? 0 : numbers.size, 11), 124, 'latin1');
  bytes.write(octal(numbers.mtime, 11), 136, 'latin1');
  bytes.write(`        ${flag}`, 148, 'latin1');
  target.copy(bytes, 157, 0, 100);
  bytes.write('ustar\x0000', 257, 'latin1');
  prefix.copy(bytes, 345);
  let sum = 0;
  for (const byte of bytes) sum += byte;
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

function isAscii(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte > 0x7f) return false;
  return true;
}

function isUtf8(bytes: Buffer): boolean {
  return isAscii(bytes) || Buffer.from(bytes.toString('utf8')).equals(bytes);
}
