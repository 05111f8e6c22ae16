import { type Row, shown, type Unit } from './row.ts';

const head = ['measured', 'ours', 'peer', 'ratio', 'goal', 'met'];

/** The rows as a Markdown table: medians, and how many values each is of. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ what, unit, ours, peer, at, ratio, goal }) => [
    what,
    `${format(shown(ours, at), unit)} (n=${ours.values.length})`,
    peer === undefined ? '' : `${format(shown(peer, at), unit)}: ${peer.name}`,
    ratio === undefined ? '' : ratio.toFixed(2),
    goal?.text ?? 'none set',
    goal === undefined ? '' : goal.met ? 'yes' : 'NO',
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)));
  const line = (texts: readonly string[]) =>
    `| ${texts.map((text, at) => text.padEnd(widths[at] ?? 0)).join(' | ')} |\n`;
  return [head, widths.map((width) => '-'.repeat(width)), ...cells].map(line).join('');
}

function format(value: number, unit: Unit): string {
  switch (unit) {
    case 's':
      return `${value.toFixed(2)} s`;
    case 'ms':
      return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
    case 'MiB':
      return `${value.toFixed(1)} MiB`;
    case 'requests':
      return `${Math.round(value * 10) / 10} requests`;
    default:
      return unit satisfies never;
  }
}
