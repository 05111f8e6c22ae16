import { writeSync } from 'node:fs';

/** The exit code of a program that SIGPIPE has ended, as shells tell it: 128, and the signal's number. */
export const readerGoneCode = 141;

/** Whoever reads standard output has seen enough, as in `… | head`: no failure, and nothing that anybody need be told. */
export class ReaderGone extends Error {
  constructor(cause: unknown) {
    super('nobody reads standard output any more', { cause });
    this.name = 'ReaderGone';
  }
}

/**
 * Writes to standard output, all of it, before it returns. `process.stdout` may still have the rest of it when the process exits, and its
 * streams take longer to load than a small step to work.
 *
 * @throws ReaderGone where nobody reads it any more.
 */
export function print(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EPIPE') throw new ReaderGone(error);
      // Somebody has made the pipe non-blocking, and it is full: there is room when its reader has read.
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
