/** What stands before an entry's first line and before its others, and a line that leads to its parents. */
export interface GraphLines {
  first: string;
  rest: string;
  after: string | undefined;
}

/**
 * Draws what was made from what, as `git log --graph` does: a column for each line of pushes. Entries come one by one,
 * each before its parents.
 */
export class Graph {
  /** What each column leads to. */
  readonly #columns: string[] = [];

  add(id: string, parents: readonly string[]): GraphLines {
    const found = this.#columns.indexOf(id);
    const at = found < 0 ? this.#columns.push(id) - 1 : found;
    const count = this.#columns.length;
    const first = this.#columns.map((_, i) => (i === at ? '*' : '|')).join(' ');
    const [own, ...more] = parents.filter((parent) => !this.#columns.includes(parent));
    if (own !== undefined) {
      this.#columns[at] = own;
      this.#columns.push(...more);
      const after = more.length === 0 ? undefined : `${bars(count)}\\${' \\'.repeat(more.length - 1)}`;
      return { first, rest: bars(count), after };
    }
    this.#columns.splice(at, 1);
    if (parents.length === 0) {
      const rest = first.replaceAll('*', ' ');
      return { first, rest, after: undefined };
    }
    // It ends in a line that is drawn already; those at its right move to the left.
    const end = Math.max(at, 1);
    return { first, rest: bars(count), after: `${bars(end)}/${' /'.repeat(Math.max(0, count - end - 1))}` };
  }
}

function bars(count: number): string {
  return Array.from({ length: count }, () => '|').join(' ');
}
