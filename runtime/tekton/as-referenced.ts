import { matrixParams } from '../resolve/check/matrix.ts';
import { itemsOf, textIn } from '../resolve/check/values.ts';
import type { InlineTask } from './inline.ts';
import { mapTexts } from './texts.ts';
import type { Param, PipelineSpec, PipelineTask, TaskSpec } from './types.ts';

/**
 * A Task to embed in the place of a reference, that means there what it means where it is referenced. An embedded Task gets more from
 * its Pipeline, which is taken away from it:
 *
 * - a param of the Pipeline takes the place of the default of one of the same name (docs/pipelineruns.md, Propagated Parameters): so
 *   the default is given;
 * - `$(workspaces.NAME.bound)` is asked of the Pipeline's workspace of this name: so the one is named that the Task's is bound to.
 */
export function asReferenced(task: PipelineTask, found: InlineTask, { params }: PipelineSpec): InlineTask {
  const known = new Set(itemsOf(params, []).map(({ name }) => name));
  return { ...found, spec: withOwnWorkspaces(task, found.spec), params: defaultsOf(task, found.spec, known) };
}

function defaultsOf(task: PipelineTask, spec: TaskSpec, known: ReadonlySet<string>): Param[] {
  const { fanned, included } = matrixParams(task.matrix, []);
  const given = itemsOf(task.params, []);
  const names = new Set([...given, ...fanned, ...included].map(({ name }) => name));
  return (spec.params ?? []).flatMap(({ name, default: value }) =>
    known.has(name) && !names.has(name) && value !== undefined ? [{ name, value }] : [],
  );
}

function withOwnWorkspaces(task: PipelineTask, spec: TaskSpec): TaskSpec {
  const bound = new Map(
    itemsOf(task.workspaces, []).map(({ name, fields }) => [name, textIn(fields.workspace) || name]),
  );
  const answers = new Map(
    itemsOf(spec.workspaces, []).flatMap(({ name }) => {
      const workspace = bound.get(name);
      if (workspace === name) return [];
      return [[`$(workspaces.${name}.bound)`, workspace === undefined ? 'false' : `$(workspaces.${workspace}.bound)`]];
    }),
  );
  if (answers.size === 0) return spec;
  return mapTexts(spec, (text) =>
    text.replaceAll(/\$\(workspaces\.[^()]+\.bound\)/g, (variable) => answers.get(variable) ?? variable),
  );
}

/** A Pipeline's spec, or a text of its run, that does not need the Pipeline's name: without a reference, its run's stands for it. */
export function withName<T>(value: T, pipeline: string): T {
  return mapTexts(value, (text) => text.replaceAll('$(context.pipeline.name)', () => pipeline));
}
