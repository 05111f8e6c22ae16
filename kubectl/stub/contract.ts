import { typeOf } from '../../runtime/call/check.ts';
import { ownPrefix } from '../../runtime/call/params.ts';
import { invalid } from '../../runtime/errors.ts';
import type { ParamSpec, Pipeline, PipelineWorkspaceDeclaration, ResultSpec } from '../../runtime/tekton/types.ts';
import { type FindTask, propertiesOf, taskResultOf } from './result-type.ts';

/** What a caller of a Pipeline needs to know of it, as a Task declares it. */
export interface Contract {
  params: ParamSpec[];
  results: ResultSpec[];
  workspaces: PipelineWorkspaceDeclaration[];
}

/**
 * The contract of a Pipeline.
 * @throws SubpipeError `INVALID` where a name is one of the stub's own, or where a result's type cannot be known.
 */
export async function contractOf(pipeline: Pipeline, find: FindTask): Promise<Contract> {
  const { spec, metadata } = pipeline;
  for (const [what, entries] of [
    ['param', spec.params ?? []],
    ['result', spec.results ?? []],
  ] as const) {
    const taken = entries.find(({ name }) => name.startsWith(ownPrefix));
    if (taken === undefined) continue;
    throw invalid(
      `the Pipeline ${metadata.name} has the ${what} ${taken.name}, but a stub keeps names with ${ownPrefix} for itself`,
      {
        hint: 'Rename it, or call the Pipeline with the Task subpipe.',
      },
    );
  }
  const results: ResultSpec[] = [];
  for (const result of spec.results ?? []) results.push(await taskResultOf(result, spec, find));
  return { params: (spec.params ?? []).map(paramOf), results, workspaces: (spec.workspaces ?? []).map(workspaceOf) };
}

function paramOf(param: ParamSpec): ParamSpec {
  const { name, description, properties, enum: allowed } = param;
  return {
    name,
    type: typeOf(param),
    ...(description ? { description } : {}),
    ...(properties === undefined ? {} : { properties: propertiesOf(Object.keys(properties)) }),
    ...(allowed === undefined ? {} : { enum: allowed }),
    ...(param.default === undefined ? {} : { default: param.default }),
  };
}

function workspaceOf({ name, description, optional }: PipelineWorkspaceDeclaration): PipelineWorkspaceDeclaration {
  return {
    name,
    ...(description ? { description } : {}),
    ...(optional === true ? { optional } : {}),
  };
}
