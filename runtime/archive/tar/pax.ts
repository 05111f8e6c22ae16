import { Buffer } from 'node:buffer';
import { SubpipeError } from '../../errors.ts';

/**
 * What extended headers say (POSIX.1-2017, pax, "pax Extended Header"). Values are bytes, a character each. Two lists,
 * as most entries have one record and a tar has many entries.
 */
export class PaxRecords {
  readonly #keys: string[] = [];
  readonly #values: string[] = [];
  /** Asked where these say nothing. */
  readonly #base: PaxRecords | undefined;

  constructor(base?: PaxRecords) {
    this.#base = base;
  }

  get isEmpty(): boolean {
    return this.#keys.length === 0;
  }

  /** Of those with the same key, the last. */
  get(key: string): string | undefined {
    for (let i = this.#keys.length - 1; i >= 0; i--) if (this.#keys[i] === key) return this.#values[i];
    return this.#base?.isEmpty === false ? this.#base.get(key) : undefined;
  }

  /** As {@link get}, but an empty value takes back what was said before: then the header itself counts. */
  said(key: string): string | undefined {
    return this.get(key) || undefined;
  }

  add(key: string, value: string): void {
    this.#keys.push(key);
    this.#values.push(value);
  }

  clear(): void {
    this.#keys.length = 0;
    this.#values.length = 0;
  }

  /** What keys with this beginning say, by their rest. Undefined where there are none. */
  within(prefix: string): Map<string, string> | undefined {
    let found = this.#base?.within(prefix);
    for (let i = 0; i < this.#keys.length; i++) {
      const key = this.#keys[i] ?? '';
      if (!key.startsWith(prefix)) continue;
      found ??= new Map();
      found.set(key.slice(prefix.length), this.#values[i] ?? '');
    }
    return found;
  }
}

const attribute = 'SCHILY.xattr.';

/** The key of an extended attribute. No key may have a "=": GNU tar writes that, and what would be read as it, as in a URL. */
export function attributeKey(name: string): string {
  return `${attribute}${name.replace(/=|%(?=3D|25)/g, (one) => (one === '=' ? '%3D' : '%25'))}`;
}

/** Extended attributes by name. Undefined where there are none. */
export function attributesIn(records: PaxRecords): Map<string, Buffer> | undefined {
  const found = records.within(attribute);
  if (found === undefined) return undefined;
  const nameOf = (rest: string): string => rest.replace(/%3D|%25/g, (one) => (one === '%3D' ? '=' : '%'));
  return new Map([...found].map(([rest, value]) => [nameOf(rest), Buffer.from(value, 'latin1')]));
}

const digitZero = 0x30;
const digitNine = 0x39;
const space = 0x20;
const equals = 0x3d;
const newline = 0x0a;

/**
 * Reads the `LENGTH KEY=VALUE\n` records from `start` to before `stop`, and adds them to `records`. Sparse files of GNU's
 * PAX format 0.0 repeat their keys: those values are put together as format 0.1 has them.
 */
export function readPax(bytes: Buffer, start: number, stop: number, source: string, records: PaxRecords): void {
  const parts: string[] = [];
  for (let from = start; from < stop; ) {
    let length = 0;
    let at = from;
    for (let byte = bytes[at] ?? 0; at < stop && byte >= digitZero && byte <= digitNine; byte = bytes[at] ?? 0) {
      length = length * 10 + byte - digitZero;
      at++;
    }
    const digits = at - from;
    const end = from + length;
    const isNumber = digits > 0 && digits <= 7 && bytes[at] === space;
    const key = at + 1;
    if (isNumber && end <= stop) while (at < end && bytes[at] !== equals) at++;
    if (!isNumber || length === 0 || end > stop || bytes[end - 1] !== newline || at >= end) {
      throw new SubpipeError('FAILED', `${source} has a damaged extended header`);
    }
    const name = bytes.toString('latin1', key, at);
    const value = bytes.toString('latin1', at + 1, end - 1);
    if (name === 'GNU.sparse.offset' || name === 'GNU.sparse.numbytes') parts.push(value);
    else records.add(name, value);
    from = end;
  }
  if (parts.length > 0) records.add('GNU.sparse.map', parts.join(','));
}

/** The parts of a sparse file in GNU's PAX formats 0.0 and 0.1. */
export function sparseMap(records: PaxRecords): { at: number; length: number }[] | undefined {
  const text = records.get('GNU.sparse.map');
  if (text === undefined) return undefined;
  const numbers = text === '' ? [] : text.split(',').map(Number);
  // Not a number, or half a pair: the parser finds that such a part fits nowhere.
  return Array.from({ length: Math.ceil(numbers.length / 2) }, (_, i) => ({
    at: valid(numbers[2 * i]),
    length: valid(numbers[2 * i + 1]),
  }));
}

function valid(value: number | undefined): number {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : Number.MAX_SAFE_INTEGER;
}

/** Bytes: long names and extended headers have no reason to be larger: those of one entry together, and those of all entries. */
export const paxLimit = 1024 * 1024;

/** Counts long names and extended headers, of which any number may follow each other. */
export class PaxMeter {
  readonly #source: string;
  #ofAll = 0;
  #ofNext = 0;

  /** @param source said in errors. */
  constructor(source: string) {
    this.#source = source;
  }

  startEntry(): void {
    this.#ofNext = 0;
  }

  /** @throws SubpipeError `FAILED` when it is too much. */
  add(flag: 'x' | 'g' | 'L' | 'K', size: number): void {
    if (flag === 'g') this.#ofAll += size;
    else this.#ofNext += size;
    const total = Math.max(this.#ofAll, this.#ofNext);
    if (total > paxLimit)
      throw new SubpipeError('FAILED', `${this.#source} has headers of ${total} bytes, more than ${paxLimit}`);
  }
}
