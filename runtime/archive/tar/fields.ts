import type { Buffer } from 'node:buffer';
import { SubpipeError } from '../../errors.ts';
import { shown } from '../path.ts';
import { block, type TarHeader } from './header.ts';

/** What an entry is, by its flag; old tars tell folders by a slash at the end. */
export function typeOf(flag: string, path: string): Pick<TarHeader, 'type' | 'what'> {
  switch (flag) {
    case '0':
    case '\0':
    case '7':
    case 'S':
      return { type: path.endsWith('/') ? 'folder' : 'file' };
    case '1':
      return { type: 'hardlink' };
    case '2':
      return { type: 'symlink' };
    case '5':
      return { type: 'folder' };
    case '3':
    case '4':
      return { type: 'other', what: 'a device' };
    case '6':
      return { type: 'other', what: 'a pipe' };
    default:
      return { type: 'other', what: `an entry of type "${shown(flag)}"` };
  }
}

/** Whether the bytes of the header at `from` add up to what it says. */
export function checksumFits(bytes: Buffer, from: number): boolean {
  const unsigned = 8 * 32 + sumOf(bytes, from, 148) + sumOf(bytes, from + 156, block - 156);
  if (octal(bytes, from + 148, 8) === unsigned) return true;
  const told = Number.parseInt(field(bytes, from + 148, 8).trim(), 8);
  if (told === unsigned) return true;
  // Some old programs added bytes up as signed.
  let signed = 8 * 32;
  for (let i = 0; i < block; i++) if (i < 148 || i >= 156) signed += bytes.readInt8(from + i);
  return told === signed;
}

/** All bytes added up, four at a time, as a tar has tens of thousands of headers: two of them in each half of a word. */
function sumOf(bytes: Buffer, from: number, length: number): number {
  if (bytes.buffer !== view.buffer) view = new DataView(bytes.buffer);
  let even = 0;
  let odd = 0;
  for (let at = bytes.byteOffset + from, end = at + length; at < end; at += 4) {
    const word = view.getUint32(at, true);
    even += word & 0x00ff00ff;
    odd += (word >>> 8) & 0x00ff00ff;
  }
  return (even & 0xffff) + (even >>> 16) + (odd & 0xffff) + (odd >>> 16);
}

/** Of what was looked at last. */
let view: DataView = new DataView(new ArrayBuffer(0));

/** An octal number as nearly all write it: digits, and then a NUL, a space or nothing. Undefined for all else. */
export function octal(bytes: Buffer, from: number, length: number): number | undefined {
  let value = 0;
  for (let i = from; i < from + length; i++) {
    const byte = bytes[i] ?? 0;
    const isOver = byte === 0 || (byte === 0x20 && (i + 1 === from + length || bytes[i + 1] === 0));
    if (isOver && i > from) return value;
    if (byte < 0x30 || byte > 0x37) return undefined;
    value = value * 8 + byte - 0x30;
  }
  return value;
}

/** The bytes of a field, up to a NUL. */
export function field(bytes: Buffer, from: number, length: number): string {
  let end = from;
  while (end < from + length && bytes[end] !== 0) end++;
  return bytes.toString('latin1', from, end);
}

/** Bytes before the first NUL. */
export function lengthOf(content: Buffer): number {
  const end = content.indexOf(0);
  return end < 0 ? content.length : end;
}

/** A time of an extended header: `-0.1` is -1 s and 900,000,000 ns. */
export function seconds(text: string | undefined): { mtime: number; nanoseconds: number } | undefined {
  if (text === undefined || !/^-?\d{1,15}(?:\.\d*)?$/.test(text)) return undefined;
  const isNegative = text.startsWith('-');
  let mtime = 0;
  let at = isNegative ? 1 : 0;
  for (; at < text.length && text[at] !== '.'; at++) mtime = mtime * 10 + digit(text, at);
  let nanoseconds = 0;
  for (let i = at + 1; i <= at + 9; i++) nanoseconds = nanoseconds * 10 + (i < text.length ? digit(text, i) : 0);
  if (!isNegative) return { mtime, nanoseconds };
  return nanoseconds === 0 ? { mtime: -mtime, nanoseconds } : { mtime: -mtime - 1, nanoseconds: 1e9 - nanoseconds };
}

function digit(text: string, at: number): number {
  return text.charCodeAt(at) - 0x30;
}

/** Reads numbers of headers. */
export class TarNumbers {
  readonly #source: string;

  /** @param source said in errors. */
  constructor(source: string) {
    this.#source = source;
  }

  /** An octal number, or GNU's base-256. */
  number(bytes: Buffer, from: number, length: number, what: string): number {
    const plain = octal(bytes, from, length);
    if (plain !== undefined) return plain;
    const first = bytes[from] ?? 0;
    if (first === 0x80 || first === 0xff) {
      let value = first === 0xff ? -1 : 0;
      for (let i = from + 1; i < from + length; i++) value = value * 256 + (bytes[i] ?? 0);
      if (Number.isSafeInteger(value) && (value >= 0 || what === 'mtime')) return value;
      throw this.wrong(`has a header with the ${what} ${value}`);
    }
    const text = field(bytes, from, length).trim();
    if (!/^[0-7]*$/.test(text)) throw this.wrong(`has a header whose ${what} is no number`);
    return text === '' ? 0 : Number.parseInt(text, 8);
  }

  decimal(text: string, what: string): number {
    const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(number)) return number;
    throw this.wrong(`has a header whose ${what} is "${shown(text.slice(0, 40))}"`);
  }

  /** The error for a tar that is damaged. */
  wrong(what: string): SubpipeError {
    return new SubpipeError('FAILED', `${this.#source} ${what}`);
  }
}
