import { invalid } from '../errors.ts';

/**
 * Checks that no node comes after itself.
 * @param before The nodes that each node comes after.
 * @throws SubpipeError `INVALID` with the circle, or the node that does not exist. `what` names the kind of node.
 */
export function checkAcyclic(before: ReadonlyMap<string, ReadonlySet<string>>, what: string): void {
  const state = new Map<string, 'open' | 'done'>();
  const visit = (node: string, trail: readonly string[]): void => {
    if (state.get(node) === 'done') return;
    if (state.get(node) === 'open') {
      const circle = [...trail.slice(trail.indexOf(node)), node].join(' → ');
      throw invalid(`the ${what}s wait for each other in a circle: ${circle}`);
    }
    state.set(node, 'open');
    for (const next of before.get(node) ?? []) {
      if (!before.has(next)) throw invalid(`the ${what} ${node} comes after ${next}, but there is no such ${what}`);
      visit(next, [...trail, node]);
    }
    state.set(node, 'done');
  };
  for (const node of before.keys()) visit(node, []);
}
