import { isPending } from '../call/check.ts';
import { invalid } from '../errors.ts';
import { isFields } from '../shape.ts';
import { mapTexts } from '../tekton/texts.ts';
import type { Param, ParamValue, PipelineSpec, PipelineTask, TaskRef } from '../tekton/types.ts';
import { expressionsIn, type ParamReference, paramReferences } from '../tekton/variables.ts';

/** What is known of a run before it is there. */
export interface KnownOfRun {
  /** Params that it is given. */
  params: readonly Param[];
  namespace: string;
}

/**
 * The reference to a Task with its variables filled in, as Tekton does (docs/variables.md: `taskRef.name`, `taskRef.params`).
 * @throws SubpipeError `INVALID` for what only the run itself will know.
 */
export function filledRef(task: PipelineTask, ref: TaskRef, spec: PipelineSpec, run: KnownOfRun): TaskRef {
  const given = new Map(run.params.map(({ name, value }) => [name, value]));
  const defaults = new Map((spec.params ?? []).map(({ name, default: value }) => [name, value]));
  /** @param within Params whose defaults are being filled in: one may name others. */
  const fill = (text: string, within: readonly string[]): string => {
    let filled = text.replaceAll('$(context.pipelineRun.namespace)', () => run.namespace);
    for (const reference of paramReferences(text)) {
      const { param } = reference;
      if (within.includes(param)) continue;
      const own = given.get(param);
      const value = own === undefined ? mapTexts(defaults.get(param), (one) => fill(one, [...within, param])) : own;
      const picked = isPending(value) ? undefined : pickedFrom(value, reference);
      if (picked !== undefined) filled = filled.replaceAll(reference.text, () => picked);
    }
    const [unknown] = expressionsIn(filled);
    if (unknown === undefined) return filled;
    throw invalid(
      `the task ${task.name} names its Task with $(${unknown}), which only the run will know: a Task that uses a workspace of an emptyDir must be known before`,
      { hint: 'Nothing was created.' },
    );
  };
  return mapTexts(ref, (text) => fill(text, []));
}

function pickedFrom(value: ParamValue | undefined, { key, pick }: ParamReference): string | undefined {
  const found =
    isFields(value) && key !== undefined
      ? value[key]
      : Array.isArray(value) && typeof pick === 'number'
        ? value[pick]
        : value;
  return typeof found === 'string' ? found : undefined;
}
