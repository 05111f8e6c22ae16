import type { Graph } from './graph.ts';
import type { Use } from './uses.ts';

/** What a use of a workspace begins with: what an earlier Task pushed. */
export interface Source {
  use: Use;
  /** By its result, or by the tag that it pushes to, which may not be there. */
  by: 'result' | 'tag';
}

/**
 * What a Task pulls: the images of the nearest Tasks before it that write to the workspace.
 *
 * A result of a Task that has not run would skip the Task that asks for it, or fail the run. So results are asked for where the
 * Task is sure to have succeeded; for one that may be missing its tag is asked for, and what comes before it as well.
 * Tasks of finally ask for the tags of all: any Task may be missing, and others may have run beside it.
 */
export function sourcesOf(use: Use, uses: readonly Use[], graph: Graph): Source[] {
  const writers = uses.filter(({ flow, writes, isLast }) => flow === use.flow && writes && !isLast);
  if (use.isLast) return writers.map((writer) => ({ use: writer, by: 'tag' }));
  const found = new Map<Use, Source['by']>();
  const visited = new Set<string>();
  /** @param isSure Whether everything on the way from `task` has run. */
  const visit = (task: string, isSure: boolean): void => {
    const key = `${task} ${isSure}`;
    if (visited.has(key)) return;
    visited.add(key);
    for (const before of graph.before(task)) {
      const own = writers.filter((writer) => writer.task === before);
      const mayBeMissing = graph.mayBeMissing(before);
      const isThere = graph.alwaysSucceeds(before) || (isSure && !mayBeMissing);
      for (const writer of own) {
        if (isThere || !found.has(writer)) found.set(writer, isThere ? 'result' : 'tag');
      }
      if (own.length === 0 || mayBeMissing) visit(before, isSure && !mayBeMissing);
    }
  };
  visit(use.task, true);
  // What is in another one for sure need not be asked for.
  const sure = [...found].filter(([, by]) => by === 'result').map(([writer]) => writer.task);
  const covered = new Set(sure.flatMap((task) => [...graph.allBefore(task)]));
  return [...found].filter(([writer]) => !covered.has(writer.task)).map(([writer, by]) => ({ use: writer, by }));
}
