/** A line's columns; numbers stand at the right. */
export type Row = readonly (string | { right: string })[];

/** Lines whose columns stand below each other. Empty for no rows. */
export function rowsText(rows: readonly Row[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, textOf(cell).length);
    });
  }
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => padded(cell, widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function textOf(cell: Row[number]): string {
  return typeof cell === 'string' ? cell : cell.right;
}

function padded(cell: Row[number], width: number): string {
  return typeof cell === 'string' ? cell.padEnd(width) : cell.right.padStart(width);
}

const kinds = { file: '-', folder: 'd', symlink: 'l' };

/** `-rw-r--r--`, as ls(1) writes it. */
export function formatMode(type: keyof typeof kinds, mode: number): string {
  const letters = [...'rwxrwxrwx'].map((letter, i) => ((mode & (0o400 >> i)) === 0 ? '-' : letter));
  const special: [number, number, string][] = [
    [0o4000, 2, 's'],
    [0o2000, 5, 's'],
    [0o1000, 8, 't'],
  ];
  for (const [bit, at, letter] of special) {
    if ((mode & bit) !== 0) letters[at] = letters[at] === '-' ? letter.toUpperCase() : letter;
  }
  return kinds[type] + letters.join('');
}

/** `2026-01-31T12:00:00Z`; what no date holds as its seconds. */
export function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds}` : date.toISOString().replace(/\.000Z$/, 'Z');
}

/** `sha256:` and the beginning of a digest, long enough for people. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}
