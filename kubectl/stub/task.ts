import { ownPrefix } from '../../runtime/call/params.ts';
import { commonParams } from '../../runtime/flags.ts';
import { commandOf, imageOf } from '../../runtime/image.ts';
import { taskOf } from '../../runtime/manifest.ts';
import { kebab, type Params } from '../../runtime/params.ts';
import { type Fields, fieldsOf, listOf } from '../../runtime/shape.ts';
import type { StepDefinition } from '../../runtime/step.ts';
import type { Pipeline, ResultSpec } from '../../runtime/tekton/types.ts';
import { subpipe } from '../../steps/subpipe/step.ts';
import type { Contract } from './contract.ts';

/** Annotation with the name of the Pipeline that a Task stands for. */
export const stubAnnotation = 'subpipe.dev/stub-of';

/** Params of the step that a stub sets itself; all others can be set by its users. */
const fixed = [
  'pipeline',
  'pipelineRef',
  'file',
  'run',
  'calls',
  'params',
  'passParams',
  'workspaces',
  'passWorkspaces',
  'source',
  'childResults',
] satisfies (keyof typeof subpipe.params)[];

/** Results of the step beside the child's own. `results` would repeat them, in the same 4 KiB. */
const ownResults = ['status', 'reason', 'runs', 'failedTasks'] satisfies (keyof typeof subpipe.results)[];

/** The Task that calls one Pipeline: its params, results and workspaces are the Pipeline's own. */
export function stubOf(
  pipeline: Pipeline,
  contract: Contract,
  options: { name: string; image?: string | undefined },
): Fields {
  const step: StepDefinition = subpipe;
  const own = Object.entries({ ...step.params, ...commonParams } satisfies Params).filter(
    ([name]) => !fixed.some((one) => one === name),
  );
  const results = ownResults.map((name) => ({ name: kebab(name), ...subpipe.results[name] }));
  const files = Object.fromEntries(contract.results.map(({ name }) => [name, `$(${resultPath(name)})`]));
  const [container] = listOf(fieldsOf(taskOf(step).spec, 'spec').steps, 'steps');
  const { env, securityContext } = fieldsOf(container, 'step');
  const described = pipeline.spec.description;
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'Task',
    metadata: { name: options.name, annotations: { [stubAnnotation]: pipeline.metadata.name } },
    spec: {
      description: `Calls the Pipeline ${pipeline.metadata.name}, waits for the end and returns its results.${typeof described === 'string' ? `\n\n${described}` : ''}`,
      params: [
        ...contract.params,
        ...own.map(([name, { description, default: standard }]) => ({
          name: `${ownPrefix}${kebab(name)}`,
          type: 'string',
          description,
          default: standard ?? '',
        })),
      ],
      ...(contract.workspaces.length === 0 ? {} : { workspaces: contract.workspaces }),
      results: [
        ...contract.results,
        ...results.map(({ name, type, description }) => ({ name: `${ownPrefix}${name}`, type, description })),
      ],
      steps: [
        {
          name: step.name,
          image: options.image ?? imageOf(step.name),
          command: commandOf(step.name),
          args: [
            `--pipeline=${pipeline.metadata.name}`,
            '--pass-params=all',
            ...(contract.workspaces.length === 0 ? [] : ['--pass-workspaces=all']),
            ...(contract.results.length === 0 ? [] : [`--child-results=${JSON.stringify(files)}`]),
            ...own.map(([name]) => `--${kebab(name)}=$(params.${ownPrefix}${kebab(name)})`),
            ...results.map(({ name }) => `--result.${name}=$(${resultPath(`${ownPrefix}${name}`)})`),
          ],
          env,
          securityContext,
        },
      ],
    },
  };
}

/** Tekton's variable of a result's file; a name with dots stands in brackets (docs/variables.md). */
function resultPath(name: ResultSpec['name']): string {
  return name.includes('.') ? `results['${name}'].path` : `results.${name}.path`;
}
