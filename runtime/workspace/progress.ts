import type { Log } from '../log.ts';
import { eraseLine } from './terminal.ts';

export interface ProgressOptions {
  log: Log;
  /** `pulling`: the first word of each line. */
  doing: string;
  /** Bytes that there will be, where that is known. */
  total: number | undefined;
  /** Files and folders that there will be, where that is known. */
  files?: number | undefined;
  /** Where a line is written over and over, for a terminal. Without it a line goes to the log now and then. */
  terminal?: ((text: string) => void) | undefined;
  /** Ms since some time. Default: the machine's clock. */
  now?: () => number;
}

/** A line of a log every so often, a terminal's line much more often; in ms. */
const logEvery = 5000;
const terminalEvery = 200;

/** Tells people how far something is. It asks the clock when there is progress, and has no timer. */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #now: () => number;
  readonly #begun: number;
  #told: number;
  #bytes = 0;
  #files = 0;
  #wroteLine = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#begun = this.#now();
    this.#told = this.#begun;
  }

  /** More bytes, and more files and folders, are done. */
  add(bytes: number, files = 0): void {
    this.#bytes += bytes;
    this.#files += files;
    const { terminal, log } = this.#options;
    const now = this.#now();
    if (now - this.#told < (terminal === undefined ? logEvery : terminalEvery)) return;
    this.#told = now;
    if (terminal === undefined) {
      log.info(this.#line(now));
      return;
    }
    this.#wroteLine = true;
    terminal(`${eraseLine}${this.#line(now)}`);
  }

  /** Takes a terminal's line away, and tells how long it took: `in 3.2 s, 98.4 MB/s`. */
  end(): string {
    if (this.#wroteLine) this.#options.terminal?.(eraseLine);
    this.#wroteLine = false;
    const seconds = (this.#now() - this.#begun) / 1000;
    return `in ${seconds.toFixed(1)} s${seconds < 0.1 ? '' : `, ${formatBytes(this.#bytes / seconds)}/s`}`;
  }

  #line(now: number): string {
    const { doing, total, files } = this.#options;
    const rate = (this.#bytes * 1000) / Math.max(1, now - this.#begun);
    const of = total === undefined ? '' : ` of ${formatBytes(total)}`;
    const things = files === undefined ? String(this.#files) : `${this.#files} of ${files}`;
    const count = this.#files === 0 ? '' : `, ${things} ${things === '1' ? 'file' : 'files'}`;
    const left =
      total === undefined || rate === 0 ? '' : `, ${Math.ceil(Math.max(0, total - this.#bytes) / rate)} s left`;
    return `${doing}: ${formatBytes(this.#bytes)}${of}${count}, ${formatBytes(rate)}/s${left}`;
  }
}

/** `1.5 MB`: in powers of 1000, as disks and networks are sold. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 999.95 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
