import process from 'node:process';
import { print, ReaderGone, readerGoneCode } from '../runtime/print.ts';

/** Where a command writes: a terminal or a log. */
export interface Output {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  rows?: number | undefined;
}

/** Standard output of this process. Where nobody reads it any more (`subpipe run … | head`), the process ends as SIGPIPE would end it. */
export function standardOutput(): Output {
  const { stdout } = process;
  return {
    write(text) {
      try {
        print(text);
      } catch (error) {
        if (error instanceof ReaderGone) process.exit(readerGoneCode);
        throw error;
      }
    },
    get isTTY() {
      return stdout.isTTY;
    },
    get columns() {
      return stdout.columns;
    },
    get rows() {
      return stdout.rows;
    },
  };
}
