import { circleIn } from '../../tekton/dag.ts';
import type { FieldPath } from '../document.ts';
import type { Findings } from './findings.ts';
import { didYouMean } from './names.ts';
import { resultUses } from './references.ts';
import { type Item, textsIn } from './values.ts';

/** The order of tasks: by `runAfter` and by results that they ask for (docs/pipelines.md, Configuring the Task execution order). */
export function checkGraph(tasks: readonly Item[], findings: Findings): void {
  const names = new Set(tasks.map(({ name }) => name));
  const before = new Map<string, Set<string>>();
  const places = new Map<string, FieldPath>();
  for (const task of tasks) {
    const behind = new Set<string>();
    textsIn(task.fields.runAfter).forEach((name, index) => {
      const at = [...task.at, 'runAfter', index];
      behind.add(name);
      places.set(`${task.name} ${name}`, at);
      if (names.has(name)) return;
      findings.error(at, `task ${task.name} runs after ${name}, but there is no such task${didYouMean(name, names)}`);
    });
    for (const { at, reference } of resultUses(task)) {
      behind.add(reference.task);
      if (!places.has(`${task.name} ${reference.task}`)) places.set(`${task.name} ${reference.task}`, at);
    }
    before.set(task.name, behind);
  }
  const circle = circleIn(before);
  if (circle === undefined) return;
  const at = places.get(`${circle[0]} ${circle[1]}`) ?? [];
  findings.error(at, `the tasks wait for each other in a circle: ${circle.join(' → ')}`);
}
