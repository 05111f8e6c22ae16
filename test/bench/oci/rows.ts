import { type Judge, type Row, row, type Samples } from '../row.ts';
import type { CorpusName } from './corpora.ts';
import type { Use } from './measure.ts';
import type { Round } from './rounds.ts';
import { craneName, konflux } from './tools.ts';

/** By what Konflux's time is to be divided. */
const goals = { S: { push: 7, pull: 1.9 }, B: { push: 10, pull: 3 }, G: { push: 5.5, pull: 1.6 } } as const;

const memoryLimit = 180e6 / 2 ** 20;

/** The rows of one corpus. Rounds of a tool are in the order in which they were measured, as those of the others. */
export function rowsOf(corpus: CorpusName, rounds: readonly Round[]): Row[] {
  const names = [...new Set(rounds.map(({ tool }) => tool))].filter((name) => name !== 'ours');
  const of = (name: string, value: (round: Round) => number): Samples => ({
    name,
    values: rounds.filter(({ tool }) => tool === name).map(value),
  });
  const rows: Row[] = [];
  for (const what of ['push', 'pull'] as const) {
    for (const name of names) {
      const goal = goalFor(corpus, what, name);
      const wall = (round: Round) => round[what].wall;
      rows.push(row(`${corpus}: ${what}`, 's', of('ours', wall), { peer: of(name, wall), ...goal }));
    }
    for (const name of [konflux, craneName].filter((peer) => names.includes(peer))) {
      const cpu = (round: Round) => round[what].cpu;
      rows.push(row(`${corpus}: ${what}, CPU of the client`, 's', of('ours', cpu), { peer: of(name, cpu) }));
    }
    const memory = (round: Round) => round[what].memory;
    const goal: [string, Judge] = ['at most 180 MB', ({ ours }) => ours <= memoryLimit];
    rows.push(row(`${corpus}: ${what}, peak memory`, 'MiB', of('ours', memory), { peer: of(konflux, memory), goal }));
  }
  const stored = (round: Round) => round.stored / 2 ** 20;
  const noMore: [string, Judge] = ['no more than gzip', ({ ratio }) => ratio <= 1];
  rows.push(row(`${corpus}: stored`, 'MiB', of('ours', stored), { peer: of(konflux, stored), goal: noMore }));
  const push = of(konflux, ({ push }) => push.wall);
  for (const [what, key] of [
    ['push of what did not change', 'unchanged'],
    ['push where 1 % of the files changed', 'changed'],
  ] as const) {
    const uses = rounds.map((round) => round[key]).filter((use): use is Use => use !== undefined);
    if (uses.length === 0) continue;
    const limit: [string, Judge] = ['ratio at most 0.05', ({ ratio }) => ratio <= 0.05];
    const ours = { name: 'ours', values: uses.map(({ wall }) => wall) };
    const peer = { ...push, name: `${konflux}, all of it` };
    rows.push(row(`${corpus}: ${what}`, 's', ours, { peer, ...(corpus === 'S' ? { goal: limit } : {}) }));
  }
  return rows;
}

function goalFor(corpus: CorpusName, what: 'push' | 'pull', peer: string): { goal?: [string, Judge] } {
  const by = peer === konflux ? goals[corpus][what] : peer === craneName && what === 'push' ? 2 : undefined;
  if (by === undefined) return {};
  return { goal: [`ratio at most 1/${by} = ${(1 / by).toFixed(3)}`, ({ ratio }) => ratio <= 1 / by] };
}
