import process from 'node:process';

/** Writes to the terminal that a person looks at; undefined where there is none, or lines are for machines. */
export function terminalOf(
  stream: { isTTY?: boolean; write(text: string): unknown } = process.stderr,
  argv: readonly string[] = process.argv,
): ((text: string) => void) | undefined {
  if (stream.isTTY !== true || argv.includes('--log-format=json')) return undefined;
  return (text) => void stream.write(text);
}
