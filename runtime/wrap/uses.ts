import { invalid } from '../errors.ts';
import { stepTexts } from '../resolve/check/texts.ts';
import { fieldsIn, isGiven, itemsOf, textIn, textsOfValue } from '../resolve/check/values.ts';
import { type Fields, isFields } from '../shape.ts';
import type { PipelineSpec, PipelineTask, WorkspaceBinding } from '../tekton/types.ts';
import { namesUnder } from '../tekton/variables.ts';
import { isAdded } from './steps.ts';

/** One workspace of one pipeline task that a wrapped run carries. */
export interface Use {
  task: string;
  isLast: boolean;
  /** What the Task calls it. */
  name: string;
  /** What the run calls it. */
  workspace: string;
  /** Uses with the same flow share their content: the workspace, or one folder of it. */
  flow: string;
  /** Whether the Task may write to it, so that it is pushed. */
  writes: boolean;
}

/** Names of the workspaces that the run binds to an emptyDir: those that are carried by images. */
export function carriedBy(bindings: readonly WorkspaceBinding[]): string[] {
  return bindings.filter(({ emptyDir }) => isGiven(emptyDir)).map(({ name }) => name);
}

/** Whether a pipeline task has anything to do with a workspace that is carried, so that its Task must be known. */
export function concerns(task: PipelineTask, carried: readonly string[]): boolean {
  return boundIn(task).some(({ workspace }) => carried.includes(workspace)) || propagated(task, carried).length > 0;
}

/**
 * All uses of workspaces that are carried, by task. Tasks are embedded already.
 * @throws SubpipeError `INVALID` for a task that cannot be wrapped, and for folders of one workspace that overlap.
 */
export function usesIn(spec: PipelineSpec, carried: readonly string[]): Use[] {
  const uses = (['tasks', 'finally'] as const).flatMap((list) =>
    (spec[list] ?? []).flatMap((task) => usesOf(task, list === 'finally', carried)),
  );
  checkFolders(uses);
  return uses;
}

function usesOf(task: PipelineTask, isLast: boolean, carried: readonly string[]): Use[] {
  const bound = boundIn(task).filter(({ workspace }) => carried.includes(workspace));
  const found = [...bound, ...propagated(task, carried).map((name) => ({ name, workspace: name, folder: '' }))];
  if (found.length > 0 && !Array.isArray(task.taskSpec?.steps)) {
    const names = found.map(({ workspace }) => workspace).join(', ');
    throw invalid(`the task ${task.name} uses the workspace ${names}, but ${kindOf(task)}: it cannot be wrapped`, {
      hint: 'Bind the workspace to a persistentVolumeClaim or a volumeClaimTemplate, or call a Task there.',
    });
  }
  if (found.length > 0 && itemsOf(task.taskSpec?.steps, []).some(({ fields }) => isAdded(fields))) {
    throw invalid(`the task ${task.name} pulls and pushes its workspaces already: it was wrapped before`, {
      hint: 'Run it as it is, or wrap what it was made from.',
    });
  }
  const declared = itemsOf(task.taskSpec?.workspaces, []);
  return found.map(({ name, workspace, folder }) => ({
    task: task.name,
    isLast,
    name,
    workspace,
    flow: folder === '' ? workspace : `${workspace}/${folder}`,
    writes: declared.find((one) => one.name === name)?.fields.readOnly !== true,
  }));
}

function kindOf({ taskRef, taskSpec, pipelineRef, pipelineSpec }: PipelineTask): string {
  const { apiVersion, kind } = fieldsIn(taskRef ?? taskSpec);
  if (isGiven(pipelineRef) || isGiven(pipelineSpec)) return 'is a Pipeline';
  return textIn(apiVersion) === '' ? 'is no Task with steps' : `is a custom task (${apiVersion}, ${kind})`;
}

/** Bindings of a pipeline task; the workspace is of the same name where none is said. */
function boundIn(task: PipelineTask): { name: string; workspace: string; folder: string }[] {
  return itemsOf(task.workspaces, []).map(({ name, fields }) => ({
    name,
    workspace: textIn(fields.workspace) || name,
    folder: textIn(fields.subPath)
      .replaceAll(/\/+/g, '/')
      .replaceAll(/^(\.?\/)+|\/$/g, ''),
  }));
}

/** Workspaces that an embedded Task uses without a binding: Tekton takes the run's of the same name (docs/pipelineruns.md). */
function propagated(task: PipelineTask, carried: readonly string[]): string[] {
  if (!isFields(task.taskSpec)) return [];
  const bound = new Set(boundIn(task).map(({ name }) => name));
  return usedIn(task.taskSpec).filter((name) => carried.includes(name) && !bound.has(name));
}

/**
 * Names of the workspaces that steps and sidecars of a Task ask for, where Tekton looks for them (pkg/workspace/apply.go,
 * FindWorkspacesUsedByTask). Whether one is bound it has answered before.
 */
export function usedIn(spec: Fields): string[] {
  const steps = itemsOf(spec.steps, []);
  const parts = [...steps, ...itemsOf(spec.sidecars, []), { at: [], fields: fieldsIn(spec.stepTemplate) }];
  const ofActions = steps.flatMap(({ fields }) =>
    itemsOf(fields.params, []).flatMap((param) => textsOfValue(param.fields.value, [])),
  );
  const names = [...parts.flatMap(stepTexts), ...ofActions].flatMap(({ text }) =>
    namesUnder(text, 'workspaces').flatMap(({ name, isDotted }) => {
      const [workspace = '', field] = isDotted ? name.split('.') : [name];
      return field === 'bound' ? [] : [workspace];
    }),
  );
  return [...new Set(names)];
}

/** Folders of one workspace are carried each by itself: none may lie in another. */
function checkFolders(uses: readonly Use[]): void {
  for (const one of uses) {
    for (const other of uses) {
      if (one.workspace !== other.workspace || one.flow === other.flow) continue;
      const isUnknown = one.flow.includes('$(') || other.flow.includes('$(');
      if (!isUnknown && !other.flow.startsWith(`${one.flow}/`)) continue;
      throw invalid(
        `the task ${one.task} uses ${one.flow}, and ${other.task} uses ${other.flow}, which ${isUnknown ? 'may be' : 'is'} a part of it: expected the same subPath, or folders that are apart`,
      );
    }
  }
}
