import { invalid } from '../errors.ts';

/**
 * Checks that no node comes after itself.
 * @param before The nodes that each node comes after.
 * @throws SubpipeError `INVALID` with the circle, or the node that does not exist. `what` names the kind of node.
 */
export function checkAcyclic(before: ReadonlyMap<string, ReadonlySet<string>>, what: string): void {
  for (const [node, others] of before) {
    for (const next of others) {
      if (!before.has(next)) throw invalid(`the ${what} ${node} comes after ${next}, but there is no such ${what}`);
    }
  }
  const circle = circleIn(before);
  if (circle !== undefined) throw invalid(`the ${what}s wait for each other in a circle: ${circle.join(' → ')}`);
}

/** A way through the nodes that ends where it began, such as `a, b, a`. Nodes that do not exist are passed over. */
export function circleIn(before: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const state = new Map<string, 'open' | 'done'>();
  const visit = (node: string, trail: readonly string[]): string[] | undefined => {
    if (state.get(node) === 'done' || !before.has(node)) return undefined;
    if (state.get(node) === 'open') return [...trail.slice(trail.indexOf(node)), node];
    state.set(node, 'open');
    for (const next of before.get(node) ?? []) {
      const circle = visit(next, [...trail, node]);
      if (circle !== undefined) return circle;
    }
    state.set(node, 'done');
    return undefined;
  };
  for (const node of before.keys()) {
    const circle = visit(node, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
