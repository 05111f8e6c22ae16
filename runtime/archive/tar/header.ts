import { Buffer } from 'node:buffer';
import { SubpipeError } from '../../errors.ts';
import { type BytePath, shown } from '../path.ts';
import { attributeKey, paxLimit } from './pax.ts';

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

/** Where blocks are put together: there is always room for one in `piece` from `used` on. */
export interface Blocks {
  readonly piece: Uint8Array;
  readonly used: number;
  /** So many bytes were written there. */
  advance(length: number): void;
}

/**
 * An entry's header in the PAX format: ustar where all fits, with an extended header before it where not: long names,
 * names that are not ASCII, large numbers, fractions of seconds, extended attributes. No owner names, no other times.
 *
 * A tree has tens of thousands: they are written byte by byte to where the tar is put together.
 *
 * @throws SubpipeError `FAILED` when there is more to say than a reader takes.
 */
export function writeHeader(header: TarHeader & { path: BytePath }, to: Blocks): void {
  const { type, target = '', uid, gid, size, mtime, nanoseconds, attributes } = header;
  const name = type === 'folder' ? `${header.path}/` : header.path;
  const slash = splitName(name);
  const tooEarlyOrLate = mtime < 0 || mtime > largestSize;
  // A character a byte, as in paths.
  let records = '';
  if ((slash === longName && !isUtf8(name)) || !isUtf8(target)) records += encodeRecord('hdrcharset', 'BINARY');
  if (slash === longName) records += encodeRecord('path', name);
  if (target.length > 100 || !isAscii(target)) records += encodeRecord('linkpath', target);
  if (size > largestSize) records += encodeRecord('size', String(size));
  if (uid > largestId) records += encodeRecord('uid', String(uid));
  if (gid > largestId) records += encodeRecord('gid', String(gid));
  if (nanoseconds !== 0 || tooEarlyOrLate) records += encodeRecord('mtime', decimal(mtime, nanoseconds));
  for (const [key, value] of attributes ?? []) records += encodeRecord(attributeKey(key), value.toString('latin1'));
  if (records !== '') {
    if (records.length > paxLimit) throw tooMuch(header.path, records.length);
    writeBlock(to, 'x', 'PaxHeader', wholeName, '', 0o644, 0, 0, records.length, 0);
    for (let from = 0; from < records.length; from += block) {
      to.piece.set(zeros, to.used);
      putText(to.piece, to.used, records, from, Math.min(records.length, from + block));
      to.advance(block);
    }
  }
  writeBlock(to, flags[type], name, slash, target, header.mode, uid, gid, size, tooEarlyOrLate ? 0 : mtime);
}

/** Who pulls would refuse it. */
function tooMuch(path: BytePath, length: number): SubpipeError {
  const what = `its names and extended attributes take ${length} bytes, more than ${paxLimit}`;
  return new SubpipeError('FAILED', `${shown(path)} cannot be in an image: ${what}`, {
    hint: 'Remove some of the attributes (setfattr -x), or exclude it.',
  });
}

const zeros = new Uint8Array(block);

/** `LENGTH KEY=VALUE\n`, where LENGTH counts itself. */
function encodeRecord(key: string, value: string): string {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

/** Of a name that fits as it is, and of one that needs a record. */
const wholeName = -1;
const longName = -2;

/** Where a name is split at a slash, into up to 155 and 100 bytes; {@link wholeName}; {@link longName}. */
function splitName(name: string): number {
  if (!isAscii(name)) return longName;
  if (name.length <= 100) return wholeName;
  const at = name.indexOf('/', name.length - 101);
  return at <= 0 || at > 155 || at === name.length - 1 ? longName : at;
}

/** What all headers have: magic and version, and spaces in place of the sum. */
const form = new Uint8Array(block);
const formSum = putText(form, 148, '        ') + putText(form, 257, 'ustar\x0000');

/** A ustar header (POSIX.1-2017, pax, "ustar Interchange Format"). Numbers and texts that do not fit are in records. */
function writeBlock(
  to: Blocks,
  flag: string,
  name: string,
  slash: number,
  target: string,
  mode: number,
  uid: number,
  gid: number,
  size: number,
  mtime: number,
): void {
  const { piece, used: at } = to;
  piece.set(form, at);
  const first = slash >= 0 ? slash + 1 : 0;
  const sum =
    formSum +
    putText(piece, at, name, first, Math.min(name.length, first + 100)) +
    putOctal(piece, at + 100, mode, 7) +
    putOctal(piece, at + 108, uid > largestId ? 0 : uid, 7) +
    putOctal(piece, at + 116, gid > largestId ? 0 : gid, 7) +
    putOctal(piece, at + 124, size > largestSize ? 0 : size, 11) +
    putOctal(piece, at + 136, mtime, 11) +
    putText(piece, at + 156, flag) +
    putText(piece, at + 157, target, 0, Math.min(target.length, 100)) +
    (slash >= 0 ? putText(piece, at + 345, name, 0, slash) : 0);
  putOctal(piece, at + 148, sum, 6);
  piece[at + 154] = 0;
  to.advance(block);
}

/** Characters as bytes. @returns what they add up to. */
function putText(bytes: Uint8Array, at: number, text: string, from = 0, to = text.length): number {
  let sum = 0;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    bytes[at + i - from] = code;
    sum += code;
  }
  return sum;
}

/** A number in digits that end before `at + digits`. @returns what these add up to. */
function putOctal(bytes: Uint8Array, at: number, value: number, digits: number): number {
  let sum = 0;
  // Thirty bits at a time: whole numbers that fit a word take a tenth of the time.
  const high = Math.floor(value / 2 ** 30);
  let low = value - high * 2 ** 30;
  for (let i = digits - 1; i >= 0; i--) {
    if (i === digits - 11) low = high;
    const digit = 0x30 + (low & 7);
    bytes[at + i] = digit;
    sum += digit;
    low >>>= 3;
  }
  return sum;
}

/** `-1` and 900,000,000 ns are `-0.1`: the fraction counts up from the second below. */
function decimal(seconds: number, nanoseconds: number): string {
  const negative = seconds < 0 && nanoseconds > 0;
  const whole = negative ? -seconds - 1 : Math.abs(seconds);
  const sign = seconds < 0 ? '-' : '';
  if (nanoseconds === 0) return `${sign}${whole}`;
  let fraction = negative ? 1e9 - nanoseconds : nanoseconds;
  let digits = 9;
  for (; fraction % 10 === 0; fraction /= 10) digits--;
  return `${sign}${whole}.${String(fraction).padStart(digits, '0')}`;
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
