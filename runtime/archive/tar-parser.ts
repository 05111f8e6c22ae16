import { Buffer } from 'node:buffer';
import { SubpipeError } from '../errors.ts';
import { shown } from './path.ts';
import { PaxMeter, type PaxRecords, parsePax, sparseMap } from './pax.ts';
import { checksumFits, field, lengthOf, seconds, typeOf } from './tar-fields.ts';
import { block, padded, type TarHeader } from './tar-header.ts';

/** Gets what a {@link TarParser} finds, in the order of the tar. What it throws ends the parsing. */
export interface TarVisitor {
  entry(header: TarHeader): void;
  /** Content of the file that `entry` told last, from `at` on. What a sparse file does not tell is zeros. */
  data(bytes: Buffer, at: number): void;
  /** The file that `entry` told last is complete. Called for files only. */
  end(): void;
}

/**
 * Reads a tar piece by piece: ustar, PAX, GNU (long names, base-256 numbers, sparse files of all four kinds) and old
 * V7. Names and targets are bytes, see BytePath. Checksums are checked; a tar that ends early is an error.
 */
export class TarParser {
  readonly #visitor: TarVisitor;
  readonly #source: string;
  readonly #meter: PaxMeter;
  #step: (bytes: Buffer, from: number) => number;
  #held = Buffer.alloc(0);
  #global: PaxRecords = new Map();
  #next: PaxRecords = new Map();
  #ended = false;

  /** @param source said in errors. */
  constructor(visitor: TarVisitor, source: string) {
    this.#visitor = visitor;
    this.#source = source;
    this.#meter = new PaxMeter(source);
    this.#step = this.#header;
  }

  /** @throws SubpipeError `FAILED` when it is no tar. */
  write(bytes: Buffer): void {
    for (let from = 0; from < bytes.length && !this.#ended; ) from = this.#step(bytes, from);
  }

  /** @throws SubpipeError `FAILED` when the tar ends in the middle of an entry. */
  finish(): void {
    // Two blocks of zeros should end a tar; that they are missing is common and harmless.
    if (this.#ended || (this.#step === this.#header && this.#held.length === 0 && this.#next.size === 0)) return;
    throw this.#wrong('ends in the middle of an entry');
  }

  /** Waits for `size` bytes at once; `use` gets them. */
  #gather(size: number, bytes: Buffer, from: number, use: (whole: Buffer) => void): number {
    if (this.#held.length === 0 && bytes.length - from >= size) {
      use(bytes.subarray(from, from + size));
      return from + size;
    }
    const part = bytes.subarray(from, from + size - this.#held.length);
    this.#held = Buffer.concat([this.#held, part]);
    if (this.#held.length === size) {
      const whole = this.#held;
      this.#held = Buffer.alloc(0);
      use(whole);
    }
    return from + part.length;
  }

  #header(bytes: Buffer, from: number): number {
    return this.#gather(block, bytes, from, (head) => this.#readHeader(head));
  }

  #readHeader(head: Buffer): void {
    if (!checksumFits(head)) {
      if (!head.every((byte) => byte === 0)) throw this.#wrong('is no tar, or damaged: a header has a wrong checksum');
      this.#ended = true;
      return;
    }
    const flag = String.fromCharCode(head[156] ?? 0);
    const size = this.#number(head, 124, 12, 'size');
    if (flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K') {
      this.#meter.add(flag, size);
      this.#collect(size, (content) => this.#meta(flag, content));
      return;
    }
    const records = new Map([...this.#global, ...this.#next]);
    this.#next = new Map();
    this.#meter.startEntry();
    const header = this.#describe(head, flag, size, records);
    const stored = header.type === 'file' || header.type === 'other' ? this.#stored(size, records, flag) : 0;
    if (header.type !== 'file') {
      this.#visitor.entry(header);
      this.#skip(padded(stored));
    } else if (flag === 'S') {
      this.#gnuSparse(head, header, stored);
    } else if (records.get('GNU.sparse.major')?.toString('latin1') === '1') {
      this.#sparseOne(header, stored, []);
    } else {
      const parts = sparseMap(records);
      this.#content(parts === undefined ? header : { ...header, parts: this.#checked(parts, header, stored) }, stored);
    }
  }

  /** Bytes that follow the header. */
  #stored(size: number, records: PaxRecords, flag: string): number {
    if (flag === '3' || flag === '4' || flag === '6') return 0;
    const told = records.get('size');
    return told === undefined ? size : this.#decimal(told, 'size');
  }

  #describe(head: Buffer, flag: string, size: number, records: PaxRecords): TarHeader {
    const text = (key: string): string | undefined => records.get(key)?.toString('latin1');
    const number = (key: string): number | undefined => {
      const value = records.get(key);
      return value === undefined ? undefined : this.#decimal(value, key);
    };
    const isUstar = head.toString('latin1', 257, 263) === 'ustar\0';
    const prefix = isUstar ? field(head, 345, 155) : '';
    const plain = (prefix === '' ? '' : `${prefix}/`) + field(head, 0, 100);
    const path = text('GNU.sparse.name') ?? text('path') ?? plain;
    const { type, what } = typeOf(flag, path);
    const time = seconds(text('mtime')) ?? { mtime: this.#number(head, 136, 12, 'mtime'), nanoseconds: 0 };
    const attributes = new Map<string, Buffer>();
    for (const [key, value] of records) {
      if (key.startsWith('SCHILY.xattr.')) attributes.set(key.slice('SCHILY.xattr.'.length), value);
    }
    const realSize =
      flag === 'S' ? this.#number(head, 483, 12, 'size') : (number('GNU.sparse.realsize') ?? number('GNU.sparse.size'));
    return {
      path,
      type,
      mode: this.#number(head, 100, 8, 'mode') & 0o7777,
      uid: number('uid') ?? this.#number(head, 108, 8, 'uid'),
      gid: number('gid') ?? this.#number(head, 116, 8, 'gid'),
      size: type === 'file' ? (realSize ?? number('size') ?? size) : 0,
      ...time,
      ...(what === undefined ? {} : { what }),
      ...(type === 'symlink' || type === 'hardlink' ? { target: text('linkpath') ?? field(head, 157, 100) } : {}),
      ...(attributes.size === 0 ? {} : { attributes }),
    };
  }

  #meta(flag: 'x' | 'g' | 'L' | 'K', content: Buffer): void {
    switch (flag) {
      case 'x':
      case 'g': {
        const records = flag === 'x' ? this.#next : this.#global;
        for (const [key, value] of parsePax(content, this.#source)) records.set(key, value);
        break;
      }
      case 'L':
        this.#next.set('path', content.subarray(0, lengthOf(content)));
        break;
      case 'K':
        this.#next.set('linkpath', content.subarray(0, lengthOf(content)));
        break;
      default:
        flag satisfies never;
    }
  }

  /** The next `size` bytes, without what pads them, then a header again. */
  #collect(size: number, use: (content: Buffer) => void): void {
    if (size === 0) {
      use(Buffer.alloc(0));
      this.#step = this.#header;
      return;
    }
    this.#step = (bytes, from) =>
      this.#gather(padded(size), bytes, from, (whole) => {
        this.#step = this.#header;
        use(Buffer.from(whole.subarray(0, size)));
      });
  }

  #skip(size: number): void {
    let left = size;
    this.#step = this.#header;
    if (left === 0) return;
    this.#step = (bytes, from) => {
      const count = Math.min(left, bytes.length - from);
      left -= count;
      if (left === 0) this.#step = this.#header;
      return from + count;
    };
  }

  /** Old GNU: 4 parts in the header, then blocks of 21. */
  #gnuSparse(head: Buffer, header: TarHeader, stored: number): void {
    const parts = this.#partsIn(head, 386, 4);
    const follow = (more: boolean): void => {
      if (!more) {
        this.#content({ ...header, parts: this.#checked(parts, header, stored) }, stored);
        return;
      }
      if (parts.length > 100_000) throw this.#wrong('has a sparse file of more than 100,000 parts');
      this.#collect(block, (extra) => {
        parts.push(...this.#partsIn(extra, 0, 21));
        follow(extra[504] === 1);
      });
    };
    follow(head[482] === 1);
  }

  #partsIn(bytes: Buffer, from: number, count: number): { at: number; length: number }[] {
    const parts: { at: number; length: number }[] = [];
    for (let i = 0; i < count && bytes[from + i * 24] !== 0; i++) {
      const at = this.#number(bytes, from + i * 24, 12, 'sparse map');
      parts.push({ at, length: this.#number(bytes, from + i * 24 + 12, 12, 'sparse map') });
    }
    return parts;
  }

  /** PAX sparse 1.0: the map is decimal lines in front of the content, padded to a block. */
  #sparseOne(header: TarHeader, stored: number, before: Buffer[]): void {
    if (stored - before.length * block < block || before.length > 2048) throw this.#wrong('has a damaged sparse file');
    this.#collect(block, (extra) => {
      const held = [...before, extra];
      const lines = Buffer.concat(held).toString('latin1').split('\n');
      lines.pop(); // not ended yet, or padding
      const count = lines[0] === undefined ? undefined : this.#decimal(Buffer.from(lines[0]), 'sparse map');
      if (count === undefined || lines.length < 1 + 2 * count) {
        this.#sparseOne(header, stored, held);
        return;
      }
      const numbers = lines.slice(1, 1 + 2 * count).map((line) => this.#decimal(Buffer.from(line), 'sparse map'));
      const parts = Array.from({ length: count }, (_, i) => ({
        at: numbers[2 * i] ?? 0,
        length: numbers[2 * i + 1] ?? 0,
      }));
      const rest = stored - held.length * block;
      this.#content({ ...header, parts: this.#checked(parts, header, rest) }, rest);
    });
  }

  #checked(parts: { at: number; length: number }[], header: TarHeader, stored: number): typeof parts {
    let end = 0;
    let sum = 0;
    for (const { at, length } of parts) {
      if (at < end || at + length > header.size) throw this.#wrong(`has a damaged sparse file ${shown(header.path)}`);
      end = at + length;
      sum += length;
    }
    if (sum > stored) throw this.#wrong(`has a damaged sparse file ${shown(header.path)}`);
    return parts;
  }

  #content(header: TarHeader, stored: number): void {
    this.#visitor.entry(header);
    const parts = header.parts ?? [{ at: 0, length: stored }];
    let index = 0;
    let inPart = 0;
    let left = parts.reduce((sum, part) => sum + part.length, 0);
    const padding = padded(stored) - left;
    if (left === 0) {
      this.#visitor.end();
      this.#skip(padding);
      return;
    }
    this.#step = (bytes, from) => {
      const part = parts[index] ?? { at: 0, length: 0 };
      const count = Math.min(part.length - inPart, bytes.length - from);
      if (count > 0) this.#visitor.data(bytes.subarray(from, from + count), part.at + inPart);
      inPart += count;
      left -= count;
      if (inPart === part.length) {
        index++;
        inPart = 0;
      }
      if (left === 0) {
        this.#visitor.end();
        this.#skip(padding);
      }
      return from + count;
    };
  }

  /** An octal number, or GNU's base-256. */
  #number(bytes: Buffer, from: number, length: number, what: string): number {
    const first = bytes[from] ?? 0;
    if (first === 0x80 || first === 0xff) {
      let value = first === 0xff ? -1 : 0;
      for (let i = from + 1; i < from + length; i++) value = value * 256 + (bytes[i] ?? 0);
      if (Number.isSafeInteger(value) && (value >= 0 || what === 'mtime')) return value;
      throw this.#wrong(`has a header with the ${what} ${value}`);
    }
    const text = field(bytes, from, length).trim();
    if (!/^[0-7]*$/.test(text)) throw this.#wrong(`has a header whose ${what} is no number`);
    return text === '' ? 0 : Number.parseInt(text, 8);
  }

  #decimal(value: Buffer, what: string): number {
    const text = value.toString('latin1');
    const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(number)) return number;
    throw this.#wrong(`has a header whose ${what} is "${shown(text.slice(0, 40))}"`);
  }

  #wrong(what: string): SubpipeError {
    return new SubpipeError('FAILED', `${this.#source} ${what}`);
  }
}
