import { isMatrixed } from '../resolve/check/matrix.ts';
import { resultUses } from '../resolve/check/references.ts';
import { itemsOf, textsIn } from '../resolve/check/values.ts';
import { checkAcyclic } from '../tekton/dag.ts';
import type { PipelineSpec, PipelineTask } from '../tekton/types.ts';

/** The order of a Pipeline's tasks, and which of them are sure to have results (docs/pipelines.md, `runAfter`, `when`). */
export class Graph {
  readonly #tasks: ReadonlyMap<string, PipelineTask>;
  readonly #before = new Map<string, ReadonlySet<string>>();

  /** @throws SubpipeError `INVALID` where tasks wait for each other in a circle, or for one that there is not. */
  constructor(spec: PipelineSpec) {
    this.#tasks = new Map((spec.tasks ?? []).map((task) => [task.name, task]));
    for (const item of itemsOf(spec.tasks, [])) {
      const results = resultUses(item).map(({ reference }) => reference.task);
      this.#before.set(item.name, new Set([...textsIn(item.fields.runAfter), ...results]));
    }
    checkAcyclic(this.#before, 'task');
  }

  /** Names of all tasks but those of finally. */
  get names(): string[] {
    return [...this.#tasks.keys()];
  }

  /** The tasks that a task directly comes after. */
  before(task: string): string[] {
    return [...(this.#before.get(task) ?? [])];
  }

  /** All tasks that a task comes after. */
  allBefore(task: string): Set<string> {
    const found = new Set<string>();
    const visit = (name: string): void => {
      for (const next of this.before(name)) {
        if (found.has(next)) continue;
        found.add(next);
        visit(next);
      }
    };
    visit(task);
    return found;
  }

  isMatrixed(task: string): boolean {
    return isMatrixed(this.#tasks.get(task)?.matrix);
  }

  /** Whether tasks after it may run although it has not: it was skipped by `when`, or it failed and that is accepted. */
  mayBeMissing(task: string): boolean {
    const found = this.#tasks.get(task);
    const accepted = found?.onError !== undefined && found.onError !== 'stopAndFail';
    return accepted || (Array.isArray(found?.when) && found.when.length > 0);
  }

  /** Whether it has succeeded in every run that has not failed, whatever other tasks do. */
  alwaysSucceeds(task: string): boolean {
    return [task, ...this.allBefore(task)].every((name) => !this.mayBeMissing(name) && !this.isMatrixed(name));
  }
}
