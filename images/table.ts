import type { Built } from './build-images.ts';

/** Compressed sizes for people: one line an image and platform, in MB of 1,000,000 bytes. */
export function sizeTable(images: Built[]): string {
  const head = ['image', 'platform', 'base', 'Node', 'step', 'total'];
  const rows = images.flatMap(({ name, sizes }) =>
    sizes.map(({ platform, base, node, step }) => [name, platform, ...[base, node, step, base + node + step].map(mb)]),
  );
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)));
  return [head, ...rows].map((row) => `${line(row).join('  ')}\n`).join('');
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
