/** The value below which the part `q` (0 to 1) of the values lies, by the nearest rank. NaN where there are none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

/** The middle value; of an even number the mean of the two in the middle. NaN where there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[(sorted.length >> 1) - 1] ?? upper) + upper) / 2;
}

/** Pair by pair, so that what slows the machine down for a while slows both sides of a pair. */
export function pairwise(
  ours: readonly number[],
  peers: readonly number[],
  combine: (our: number, peer: number) => number,
): number[] {
  if (ours.length !== peers.length) throw new RangeError(`${ours.length} values cannot be paired with ${peers.length}`);
  return ours.map((our, index) => combine(our, peers[index] ?? Number.NaN));
}
