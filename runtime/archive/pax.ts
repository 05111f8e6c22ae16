import { Buffer } from 'node:buffer';
import { SubpipeError } from '../errors.ts';

/** Keys and values of an extended header (POSIX.1-2017, pax, "pax Extended Header"). Values are bytes. */
export type PaxRecords = Map<string, Buffer>;

/**
 * Reads `LENGTH KEY=VALUE\n` records. Sparse files of GNU's PAX format 0.0 repeat their keys: those values are put
 * together as format 0.1 has them.
 */
export function parsePax(content: Buffer, source: string): PaxRecords {
  const records: PaxRecords = new Map();
  const parts: string[] = [];
  for (let from = 0; from < content.length; ) {
    const space = content.indexOf(0x20, from);
    const digits = space < 0 ? '' : content.toString('latin1', from, space);
    const length = /^\d{1,7}$/.test(digits) ? Number(digits) : 0;
    const end = from + length;
    const equals = content.indexOf(0x3d, space);
    if (length === 0 || end > content.length || content[end - 1] !== 0x0a || equals < 0 || equals >= end) {
      throw new SubpipeError('FAILED', `${source} has a damaged extended header`);
    }
    const key = content.toString('latin1', space + 1, equals);
    // A copy: the piece that it was found in is given back.
    const value = Buffer.from(content.subarray(equals + 1, end - 1));
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') parts.push(value.toString('latin1'));
    else records.set(key, value);
    from = end;
  }
  if (parts.length > 0) records.set('GNU.sparse.map', Buffer.from(parts.join(',')));
  return records;
}

/** The parts of a sparse file in GNU's PAX formats 0.0 and 0.1. */
export function sparseMap(records: PaxRecords): { at: number; length: number }[] | undefined {
  const text = records.get('GNU.sparse.map')?.toString('latin1');
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

/** Long names and extended headers have no reason to be larger: those of one entry together, and those of all entries. */
const paxLimit = 1024 * 1024;

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
