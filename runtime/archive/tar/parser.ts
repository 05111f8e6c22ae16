import { Buffer } from 'node:buffer';
import { shown } from '../path.ts';
import { describeEntry } from './entry.ts';
import { checksumFits, field, TarNumbers } from './fields.ts';
import { block, padded, type TarHeader } from './header.ts';
import { PaxMeter, PaxRecords, readPax, sparseMap } from './pax.ts';

/** Gets what a {@link TarParser} finds, in the order of the tar. What it throws ends the parsing. */
export interface TarVisitor {
  /** @param isOutline no more is known than the path and the kind. */
  entry(header: TarHeader, isOutline?: boolean): void;
  /** Content of the file that `entry` told last, from `at` on. What a sparse file does not tell is zeros. */
  data(bytes: Buffer, at: number): void;
  /** The file that `entry` told last is complete. Called for files only. */
  end(): void;
  /** What was told came in one piece, and the piece is over: until now, what `data` got stays as it is. */
  flush?(): void;
}

type Part = { at: number; length: number };

/** The map of a sparse file, as far as it is there: how many lines have ended, and how many parts they are to tell. */
type SparseLines = { readonly blocks: Buffer[]; ended: number; count: number };

const newline = 0x0a;

/**
 * Reads a tar piece by piece: ustar, PAX, GNU (long names, base-256 numbers, sparse files of all four kinds) and old
 * V7. Names and targets are bytes, see BytePath. Checksums are checked; a tar that ends early is an error.
 */
export class TarParser {
  readonly #visitor: TarVisitor;
  readonly #source: string;
  readonly #numbers: TarNumbers;
  readonly #meter: PaxMeter;
  /** What comes next: so many bytes at once for `#use`, content, or bytes that mean nothing. */
  #state: 'gather' | 'content' | 'skip' = 'gather';
  #left = block;
  #use: (bytes: Buffer, from: number) => void;
  #held = Buffer.alloc(0);
  readonly #global = new PaxRecords();
  readonly #next = new PaxRecords(this.#global);
  #parts: readonly Part[] = [];
  #part = 0;
  #inPart = 0;
  #padding = 0;
  #ended = false;
  #meta: { flag: 'x' | 'g' | 'L' | 'K'; size: number } = { flag: 'x', size: 0 };
  readonly #readMeta = (bytes: Buffer, from: number): void => this.#takeMeta(bytes, from);
  readonly #readHeader = (bytes: Buffer, from: number): void => this.#header(bytes, from);

  /** @param source said in errors. */
  constructor(visitor: TarVisitor, source: string) {
    this.#visitor = visitor;
    this.#source = source;
    this.#numbers = new TarNumbers(source);
    this.#meter = new PaxMeter(source);
    this.#use = this.#readHeader;
  }

  /** @throws SubpipeError `FAILED` when it is no tar. */
  write(bytes: Buffer): void {
    for (let from = 0; from < bytes.length && !this.#ended; ) {
      switch (this.#state) {
        case 'gather':
          from = this.#gather(bytes, from);
          break;
        case 'content':
          from = this.#readContent(bytes, from);
          break;
        case 'skip': {
          const count = Math.min(this.#left, bytes.length - from);
          from += count;
          this.#skip(this.#left - count);
          break;
        }
        default:
          this.#state satisfies never;
      }
    }
    this.#visitor.flush?.();
  }

  /** @throws SubpipeError `FAILED` when the tar ends in the middle of an entry. */
  finish(): void {
    // Two blocks of zeros should end a tar; that they are missing is common and harmless.
    const isBetween = this.#state === 'gather' && this.#use === this.#readHeader;
    if (this.#ended || (isBetween && this.#held.length === 0 && this.#next.isEmpty)) return;
    throw this.#numbers.wrong('ends in the middle of an entry');
  }

  /** Waits for `#left` bytes at once. */
  #gather(bytes: Buffer, from: number): number {
    const size = this.#left;
    if (this.#held.length === 0 && bytes.length - from >= size) {
      this.#useNow(bytes, from);
      return from + size;
    }
    const part = bytes.subarray(from, from + size - this.#held.length);
    this.#held = Buffer.concat([this.#held, part]);
    if (this.#held.length === size) {
      const whole = this.#held;
      this.#held = Buffer.alloc(0);
      this.#useNow(whole, 0);
    }
    return from + part.length;
  }

  #expectHeader(): void {
    this.#state = 'gather';
    this.#left = block;
    this.#use = this.#readHeader;
  }

  #header(bytes: Buffer, from: number): void {
    if (!checksumFits(bytes, from)) {
      if (!bytes.subarray(from, from + block).every((byte) => byte === 0))
        throw this.#numbers.wrong('is no tar, or damaged: a header has a wrong checksum');
      this.#ended = true;
      return;
    }
    const flag = String.fromCharCode(bytes[from + 156] ?? 0);
    const size = this.#numbers.number(bytes, from + 124, 12, 'size');
    if (flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K') {
      this.#meter.add(flag, size);
      this.#meta = { flag, size };
      this.#collect(size, this.#readMeta);
      return;
    }
    const records = this.#next;
    this.#meter.startEntry();
    const header = describeEntry(bytes, from, flag, size, records, this.#numbers);
    const stored = header.type === 'file' || header.type === 'other' ? this.#stored(size, records, flag) : 0;
    const isSparse = records.get('GNU.sparse.major') === '1';
    const parts = sparseMap(records);
    records.clear();
    if (header.type !== 'file') {
      this.#visitor.entry(header);
      this.#skip(padded(stored));
    } else if (flag === 'S') {
      this.#gnuSparse(bytes.subarray(from, from + block), header, stored);
    } else if (isSparse) {
      this.#sparseOne(header, stored, { blocks: [], ended: 0, count: Number.POSITIVE_INFINITY });
    } else {
      this.#content(parts === undefined ? header : { ...header, parts: this.#checked(parts, header, stored) }, stored);
    }
  }

  /** Bytes that follow the header. */
  #stored(size: number, records: PaxRecords, flag: string): number {
    if (flag === '3' || flag === '4' || flag === '6') return 0;
    const told = records.said('size');
    return told === undefined ? size : this.#numbers.decimal(told, 'size');
  }

  /** What the header before this was of. */
  #takeMeta(bytes: Buffer, from: number): void {
    const { flag, size } = this.#meta;
    switch (flag) {
      case 'x':
      case 'g':
        readPax(bytes, from, from + size, this.#source, flag === 'x' ? this.#next : this.#global);
        break;
      case 'L':
        this.#next.add('path', field(bytes, from, size));
        break;
      case 'K':
        this.#next.add('linkpath', field(bytes, from, size));
        break;
      default:
        flag satisfies never;
    }
  }

  /** The next `size` bytes, without what pads them, then a header again, unless `use` says something else. */
  #collect(size: number, use: (bytes: Buffer, from: number) => void): void {
    this.#state = 'gather';
    this.#left = padded(size);
    this.#use = use;
    if (size === 0) this.#useNow(this.#held, 0);
  }

  #useNow(bytes: Buffer, from: number): void {
    const use = this.#use;
    this.#expectHeader();
    use(bytes, from);
  }

  #skip(size: number): void {
    if (size === 0) this.#expectHeader();
    else {
      this.#state = 'skip';
      this.#left = size;
    }
  }

  /** Old GNU: 4 parts in the header, then blocks of 21. */
  #gnuSparse(head: Buffer, header: TarHeader, stored: number): void {
    const parts = this.#partsIn(head, 386, 4);
    const follow = (more: boolean): void => {
      if (!more) {
        this.#content({ ...header, parts: this.#checked(parts, header, stored) }, stored);
        return;
      }
      if (parts.length > 100_000) throw this.#numbers.wrong('has a sparse file of more than 100,000 parts');
      this.#collect(block, (extra, at) => {
        parts.push(...this.#partsIn(extra, at, 21));
        follow(extra[at + 504] === 1);
      });
    };
    follow(head[482] === 1);
  }

  #partsIn(bytes: Buffer, from: number, count: number): { at: number; length: number }[] {
    const parts: { at: number; length: number }[] = [];
    for (let i = 0; i < count && bytes[from + i * 24] !== 0; i++) {
      const at = this.#numbers.number(bytes, from + i * 24, 12, 'sparse map');
      parts.push({ at, length: this.#numbers.number(bytes, from + i * 24 + 12, 12, 'sparse map') });
    }
    return parts;
  }

  /** PAX sparse 1.0: the map is decimal lines in front of the content, padded to a block. The first says how many follow. */
  #sparseOne(header: TarHeader, stored: number, map: SparseLines): void {
    const { blocks } = map;
    if (stored - blocks.length * block < block || blocks.length > 2048)
      throw this.#numbers.wrong('has a damaged sparse file');
    this.#collect(block, (extra, at) => {
      const next = Buffer.from(extra.subarray(at, at + block));
      blocks.push(next);
      const before = map.ended;
      for (let end = next.indexOf(newline); end >= 0; end = next.indexOf(newline, end + 1)) map.ended++;
      // Not ended yet, or padding, is left out.
      const lines = (): string[] => Buffer.concat(blocks).toString('latin1').split('\n').slice(0, map.ended);
      if (before === 0 && map.ended > 0) map.count = this.#numbers.decimal(lines()[0] ?? '', 'sparse map');
      if (map.ended < 1 + 2 * map.count) {
        this.#sparseOne(header, stored, map);
        return;
      }
      const numbers = lines()
        .slice(1, 1 + 2 * map.count)
        .map((line) => this.#numbers.decimal(line, 'sparse map'));
      const parts = Array.from({ length: map.count }, (_, i) => ({
        at: numbers[2 * i] ?? 0,
        length: numbers[2 * i + 1] ?? 0,
      }));
      const rest = stored - blocks.length * block;
      this.#content({ ...header, parts: this.#checked(parts, header, rest) }, rest);
    });
  }

  #checked(parts: { at: number; length: number }[], header: TarHeader, stored: number): typeof parts {
    let end = 0;
    let sum = 0;
    for (const { at, length } of parts) {
      if (at < end || at + length > header.size)
        throw this.#numbers.wrong(`has a damaged sparse file ${shown(header.path)}`);
      end = at + length;
      sum += length;
    }
    if (sum > stored) throw this.#numbers.wrong(`has a damaged sparse file ${shown(header.path)}`);
    return parts;
  }

  #content(header: TarHeader, stored: number): void {
    this.#visitor.entry(header);
    this.#parts = header.parts ?? [{ at: 0, length: stored }];
    this.#part = 0;
    this.#inPart = 0;
    this.#left = header.parts === undefined ? stored : header.parts.reduce((sum, { length }) => sum + length, 0);
    this.#padding = padded(stored) - this.#left;
    this.#state = 'content';
    if (this.#left === 0) this.#endContent();
  }

  #readContent(bytes: Buffer, from: number): number {
    const part = this.#parts[this.#part];
    if (part === undefined) throw this.#numbers.wrong('has a damaged sparse file');
    const count = Math.min(part.length - this.#inPart, bytes.length - from);
    if (count > 0) this.#visitor.data(bytes.subarray(from, from + count), part.at + this.#inPart);
    this.#inPart += count;
    this.#left -= count;
    if (this.#inPart === part.length) {
      this.#part++;
      this.#inPart = 0;
    }
    if (this.#left === 0) this.#endContent();
    return from + count;
  }

  #endContent(): void {
    this.#visitor.end();
    this.#skip(this.#padding);
  }
}
