import { fieldsIn, itemsOf } from '../resolve/check/values.ts';
import type { PipelineSpec, PipelineTask } from '../tekton/types.ts';
import type { Use } from './uses.ts';

/** What is added to a Task for one workspace, each by a name that is free there. */
export interface UseNames {
  /** A part of a path. */
  folder: string;
  pullStep: string;
  pushStep: string;
  /** Params with the images to pull, the first one, the place to push to, and the tag for people. */
  from: string;
  base: string;
  to: string;
  tag: string;
  /** The result with the image. */
  result: string;
}

/** Room in the name of a container, `step-subpipe-pull-NAME-9`, which is a DNS label. */
const longest = 36;

/** Names for the uses of one task, in their order; and for the volume that they share. */
export function namesFor(
  task: PipelineTask,
  spec: PipelineSpec,
  uses: readonly Use[],
): { uses: Map<Use, UseNames>; volume: string } {
  const taskSpec = fieldsIn(task.taskSpec);
  const matrix = fieldsIn(task.matrix);
  const namesIn = (value: unknown): string[] => itemsOf(value, []).map(({ name }) => name);
  const included = itemsOf(matrix.include, []).flatMap(({ fields }) => namesIn(fields.params));
  // A param of the Pipeline is one of each embedded Task as well.
  const params = new Set([taskSpec.params, task.params, matrix.params, spec.params].flatMap(namesIn).concat(included));
  const results = new Set(namesIn(taskSpec.results));
  const steps = new Set(namesIn(taskSpec.steps));
  const folders = new Set<string>();
  const free = (wanted: string, taken: Set<string>): string => {
    let name = wanted;
    for (let number = 2; taken.has(name); number++) name = `${wanted}-${number}`;
    taken.add(name);
    return name;
  };
  const named = new Map<Use, UseNames>();
  for (const use of uses) {
    const plain = use.name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, longest);
    const word = plain.replace(/-+$/, '') || 'workspace';
    named.set(use, {
      folder: free(word, folders),
      pullStep: free(`subpipe-pull-${word}`, steps),
      pushStep: free(`subpipe-push-${word}`, steps),
      from: free(`subpipe-${word}-from`, params),
      base: free(`subpipe-${word}-base`, params),
      to: free(`subpipe-${word}-to`, params),
      tag: free(`subpipe-${word}-tag`, params),
      result: free(`subpipe-${word}`, results),
    });
  }
  return { uses: named, volume: free('subpipe-state', new Set(namesIn(taskSpec.volumes))) };
}
