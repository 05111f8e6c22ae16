import { median, pairwise, quantile } from './statistics.ts';

export type Unit = 's' | 'ms' | 'MiB' | 'requests';

/** Measured values of one thing, in the order they were measured. */
export interface Samples {
  name: string;
  values: readonly number[];
}

/** What a goal is held against: the ratio to the peer, or a value of ours or of both in the row's unit. */
export interface Goal {
  text: string;
  met: boolean;
}

/** One line of the table. */
export interface Row {
  /** What was measured. */
  what: string;
  unit: Unit;
  ours: Samples;
  peer: Samples | undefined;
  /** What of the values is shown and compared: 0.5 is the median. */
  at: number;
  /** Ours divided by the peer's, pair by pair, and of that the median; at another quantile the ratio of both. Unset where there is no peer. */
  ratio: number | undefined;
  /** Unset where the issue sets none: the row is there to compare. */
  goal: Goal | undefined;
}

/** How a goal is judged: from the median of ours, the median of the peer, and the ratio. */
export type Judge = (measured: { ours: number; peer: number; ratio: number }) => boolean;

/** Makes a row: its values, the ratio, and the verdict. */
export function row(
  what: string,
  unit: Unit,
  ours: Samples,
  options: { peer?: Samples; goal?: [text: string, judge: Judge]; at?: number } = {},
): Row {
  const { peer, goal, at = 0.5 } = options;
  const measured = { ours: shown(ours, at), peer: Number.NaN, ratio: Number.NaN };
  if (peer !== undefined) {
    measured.peer = shown(peer, at);
    measured.ratio =
      at === 0.5
        ? median(pairwise(ours.values, peer.values, (our, other) => our / other))
        : measured.ours / measured.peer;
  }
  return {
    what,
    unit,
    ours,
    peer,
    at,
    ratio: peer === undefined ? undefined : measured.ratio,
    goal: goal === undefined ? undefined : { text: goal[0], met: goal[1](measured) },
  };
}

/** The one value that a row shows of many. */
export function shown({ values }: Samples, at: number): number {
  return at === 0.5 ? median(values) : quantile(values, at);
}
