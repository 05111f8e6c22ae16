import type { Output } from '../output.ts';

/** Lines that stay, and below them, on a terminal, some that are drawn anew in place. */
export class Screen {
  readonly #out: Output;
  readonly #draw: () => string[];
  readonly #ticker: NodeJS.Timeout | undefined;
  #shown = 0;

  /** @param draw gives the lines that are kept at the bottom; a log has none */
  constructor(out: Output, draw: () => string[]) {
    this.#out = out;
    this.#draw = draw;
    if (out.isTTY) this.#ticker = setInterval(() => this.refresh(), 500).unref();
  }

  /** Writes text that ends with a line end. */
  write(text: string): void {
    if (this.#shown === 0) this.#out.write(text);
    else {
      this.#out.write(`${this.#clearing()}${text}`);
      this.refresh();
    }
  }

  refresh(): void {
    if (!this.#out.isTTY) return;
    const columns = this.#out.columns ?? 80;
    const lines = this.#draw().map((line) => cut(line, columns - 1));
    // One write, so that a terminal has no chance to show the empty place.
    this.#out.write(`${this.#clearing()}${lines.map((line) => `${line}\n`).join('')}`);
    this.#shown = lines.length;
  }

  /** Takes away what is drawn in place. */
  close(): void {
    clearInterval(this.#ticker);
    if (this.#shown > 0) this.#out.write(this.#clearing());
  }

  #clearing(): string {
    const text = this.#shown === 0 ? '' : `\x1b[${this.#shown}A\x1b[J`;
    this.#shown = 0;
    return text;
  }
}

const colours = new RegExp(`(${String.fromCharCode(27)}\\[\\d+m)`);

/** A line of at most so many columns: a longer one would wrap, and take more place than it is known to. */
function cut(line: string, columns: number): string {
  let seen = 0;
  let text = '';
  // Colours take no place.
  for (const part of line.split(colours)) {
    if (part.startsWith('\x1b[')) text += part;
    else {
      const piece = [...part].slice(0, columns - seen);
      seen += piece.length;
      text += piece.join('');
    }
  }
  return text;
}
