import type { Buffer } from 'node:buffer';
import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { ownMemory } from '../collect.ts';
import type { Meters } from '../limits.ts';
import type { BytePath } from '../path.ts';
import type { TarHeader } from '../tar/header.ts';
import type { Aside } from './aside.ts';
import { type Batch, BatchBuilder, createFlags, fileWidth, lookWidth, writeBatch } from './batch.ts';
import type { Traits } from './traits.ts';

/** Runs of zeros of this many bytes, aligned, are not written: they become holes. */
const hole = 64 * 1024;
const zeros = new Uint8Array(hole);

/** A file that is written in parts. */
interface OpenFile {
  fd: number;
  header: TarHeader;
  /** Where its content ends, as far as it is known. */
  end: number;
}

/** The file that is being read. Placed: it is in the batch, from beginning to end. */
interface CurrentFile {
  path: BytePath;
  header: TarHeader;
  state: 'new' | 'placed' | OpenFile;
}

/**
 * Writes new files, a piece of tar at a time: what a piece has is collected, and written at {@link flush}, by another
 * thread if there is one and it is free. So two cores are busy whatever is slower, reading or writing.
 */
export class FileWriter {
  readonly #at: (path: BytePath) => string | Buffer;
  readonly #traits: Traits;
  readonly #meters: Meters;
  readonly #aside: Aside | undefined;
  readonly #batch = new BatchBuilder();
  /** What the content of the batch is in. */
  #memory: ArrayBufferLike | undefined;
  #file: CurrentFile | undefined;
  /** Read to their end; all of them is written when as many batches are done. */
  #ending: { file: OpenFile; after: number }[] = [];
  /** Files in batches so far, and what became of them. */
  #count = 0;
  readonly #written: Float64Array[] = [];

  constructor(at: (path: BytePath) => string | Buffer, traits: Traits, meters: Meters, aside: Aside | undefined) {
    this.#at = at;
    this.#traits = traits;
    this.#meters = meters;
    this.#aside = aside;
  }

  /** Begins a file: `write` its content, then `end`. Its folder is there, and nothing is at its path. */
  start(path: BytePath, header: TarHeader): void {
    this.#file = { path, header, state: 'new' };
  }

  /** @param bytes stay as they are until {@link flush}. */
  write(bytes: Buffer, at: number): void {
    const file = this.#file;
    // More than its size is passed over.
    if (file === undefined || file.state === 'placed') return;
    const { header } = file;
    if (this.#memory !== undefined && this.#memory !== bytes.buffer) this.#writeHere();
    this.#memory = bytes.buffer;
    if (file.state === 'new' && at === 0 && bytes.length === header.size && isPlain(header)) {
      this.#meters.written(bytes.length);
      this.#place(file, bytes.byteOffset, bytes.length);
      return;
    }
    const open = this.#opened(file);
    if (header.size < 2 * hole) {
      this.#addPart(open, bytes, 0, bytes.length, at);
      return;
    }
    // Pieces that begin and end where holes can, so that each is a hole or is not.
    for (let from = 0; from < bytes.length; ) {
      let to = Math.min(bytes.length, from + hole - ((at + from) % hole));
      const isHole = isZero(bytes, from, to);
      while (to < bytes.length && isZero(bytes, to, Math.min(bytes.length, to + hole)) === isHole) {
        to = Math.min(bytes.length, to + hole);
      }
      if (!isHole) this.#addPart(open, bytes, from, to, at);
      from = to;
    }
  }

  /** @returns the file's number for {@link looks}; undefined where it is not known how it will look. */
  end(): number | undefined {
    const file = this.#file;
    if (file === undefined) return undefined;
    if (file.state === 'new' && file.header.size === 0 && isPlain(file.header)) this.#place(file, 0, 0);
    this.#file = undefined;
    if (file.state === 'placed') return this.#count - 1;
    this.#ending.push({ file: this.#opened(file), after: Number.POSITIVE_INFINITY });
    return undefined;
  }

  /** The piece of tar is over: its memory may be gone now. @throws what writing has failed of. */
  flush(): void {
    const memory = this.#memory;
    this.#memory = undefined;
    const aside = this.#aside;
    if (aside?.isFree === true && !this.#batch.isEmpty) {
      // Small ones are in memory that Node shares out.
      const isOwn = memory instanceof ArrayBuffer && memory.byteLength >= ownMemory;
      aside.send(this.#take(), isOwn ? memory : copyOf(memory));
    } else this.#writeHere(memory);
    for (const ending of this.#ending) ending.after = Math.min(ending.after, aside?.sent ?? 0);
    this.#endFiles();
  }

  /** All files that were ended are in the folder. @throws what writing has failed of. */
  settle(): void {
    this.#writeHere();
    this.#aside?.settle();
    for (const ending of this.#ending) ending.after = 0;
    this.#endFiles();
  }

  /** After a failure: nothing more is written, and nothing is open. */
  abandon(): void {
    // Not before: a number that is free again is soon that of another file.
    this.#aside?.stop();
    const current = typeof this.#file?.state === 'object' ? [this.#file.state] : [];
    for (const { fd } of [...this.#ending.map(({ file }) => file), ...current]) if (fd >= 0) closeSync(fd);
    this.#ending = [];
    this.#file = undefined;
  }

  /** {@link lookWidth} numbers for each file that has a number. After {@link settle}. */
  looks(): Float64Array {
    const looks = new Float64Array(this.#count * lookWidth);
    let at = 0;
    for (const files of this.#written) {
      for (let i = 0; i < files.length; i += fileWidth) {
        for (let column = 0; column < lookWidth; column++) looks[at++] = files[i + column] ?? 0;
      }
    }
    return looks;
  }

  #place(file: CurrentFile, from: number, length: number): void {
    const { path, header } = file;
    const { mtime, nanoseconds } = header;
    this.#batch.addFile(path, from, length, {
      mode: this.#traits.modeOf(header),
      setsMode: this.#traits.losesMode(header),
      owner: this.#traits.ownerOf(header),
      mtime,
      nanoseconds,
    });
    file.state = 'placed';
    this.#count++;
  }

  #opened(file: CurrentFile): OpenFile {
    if (typeof file.state === 'object') return file.state;
    const { path, header } = file;
    const open = { fd: openSync(this.#at(path), createFlags, this.#traits.modeOf(header) & 0o777), header, end: 0 };
    file.state = open;
    return open;
  }

  #addPart(file: OpenFile, bytes: Buffer, from: number, to: number, at: number): void {
    this.#meters.written(to - from);
    this.#batch.addPart(file.fd, at + from, bytes.byteOffset + from, to - from);
    file.end = Math.max(file.end, at + to);
  }

  #take(): Batch {
    const batch = this.#batch.take();
    if (batch.files.length > 0) this.#written.push(batch.files);
    return batch;
  }

  #writeHere(memory = this.#memory): void {
    if (!this.#batch.isEmpty) writeBatch(this.#at, this.#take(), memory ?? new ArrayBuffer(0));
  }

  #endFiles(): void {
    if (this.#ending.length === 0) return;
    const done = this.#aside?.done ?? 0;
    this.#ending = this.#ending.filter(({ file, after }) => {
      if (after <= done) this.#endFile(file);
      return after > done;
    });
  }

  #endFile(file: OpenFile): void {
    const { fd, header } = file;
    file.fd = -1;
    try {
      if (file.end !== header.size) ftruncateSync(fd, header.size);
      this.#traits.setFile(fd, header);
    } finally {
      closeSync(fd);
    }
  }
}

/** Whether all that there is to it is what {@link writeBatch} can do. */
function isPlain({ size, attributes, parts }: TarHeader): boolean {
  return size < 2 * hole && attributes === undefined && parts === undefined;
}

function isZero(bytes: Buffer, from: number, to: number): boolean {
  return bytes[from] === 0 && bytes.compare(zeros, 0, to - from, from, to) === 0;
}

function copyOf(memory: ArrayBufferLike | undefined): ArrayBuffer {
  return memory === undefined ? new ArrayBuffer(0) : new Uint8Array(memory).slice().buffer;
}
