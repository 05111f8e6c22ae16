import process from 'node:process';

/** Goes back to the beginning of a terminal's line, and takes away what is in it. */
export const eraseLine = '\r\x1b[K';

/** What people look at: a terminal, or not. */
export interface TerminalStream {
  isTTY?: boolean;
  /** Undefined, or 0, where nobody knows. */
  columns?: number | undefined;
  write(text: string): unknown;
}

/**
 * Writes to the terminal that a person looks at; undefined where there is none that can write over a line, or lines are
 * for machines. What does not fit into its line is left out: it would stay there when the line is written over.
 */
export function terminalOf(
  stream: TerminalStream = process.stderr,
  argv: readonly string[] = process.argv,
  env: NodeJS.ProcessEnv = process.env,
): ((text: string) => void) | undefined {
  const isJson = / --log-format[= ]json /.test(` ${argv.join(' ')} `);
  if (stream.isTTY !== true || env.TERM === 'dumb' || isJson) return undefined;
  return (text) => void stream.write(cut(text, stream.columns));
}

/** In its last column a terminal waits for what comes to begin the next line: nothing is written there. */
function cut(text: string, columns: number | undefined): string {
  const line = text.startsWith(eraseLine) ? text.slice(eraseLine.length) : text;
  const begin = text.slice(0, text.length - line.length);
  return columns === undefined || columns < 2 ? text : begin + line.slice(0, columns - 1);
}
