import { fieldsIn, isGiven, itemsOf, textIn } from '../resolve/check/values.ts';
import type { TaskSpec } from '../tekton/types.ts';

/**
 * Bytes of the termination message that each container of a Task's pod may have: the kubelet divides 12 KiB among all of them
 * (`results-limit.ts`).
 * @param added Steps that come to those of the Task.
 */
export function roomFor(spec: TaskSpec, added: number): number {
  const containers = initContainers(spec) + itemsOf(spec.steps, []).length + itemsOf(spec.sidecars, []).length + added;
  return Math.max(256, Math.min(4096, Math.floor((12 * 1024) / containers)));
}

/**
 * How many init containers Tekton adds to the pod of a Task (pkg/pod/pod.go): one always, one where there are scripts, one where
 * there are working folders to make. What a StepAction has is not known here: it counts as having both.
 */
function initContainers(spec: TaskSpec): number {
  const steps = itemsOf(spec.steps, []).map(({ fields }) => fields);
  const sidecars = itemsOf(spec.sidecars, []).map(({ fields }) => fields);
  const isElsewhere = steps.some(({ ref }) => isGiven(ref));
  const hasScripts = [...steps, ...sidecars].some(({ script }) => isGiven(script));
  const hasFolders = [fieldsIn(spec.stepTemplate), ...steps].some(({ workingDir }) => isMade(textIn(workingDir)));
  return 1 + Number(isElsewhere || hasScripts) + Number(isElsewhere || hasFolders);
}

/** Whether Tekton makes a working folder (pkg/pod/workingdir_init.go). What a variable says is not known here. */
function isMade(folder: string): boolean {
  return folder !== '' && (!folder.startsWith('/') || folder.startsWith('/workspace/') || folder.includes('$('));
}
