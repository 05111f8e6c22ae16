import type { Fields } from '../../../../runtime/shape.ts';
import type { Random } from './random.ts';
import { metadata, paramSpecs, params, taskSpec, type Version } from './task.ts';
import { textOf } from './text.ts';

export function pipelineObject(
  random: Random,
  name: string,
  tasks: readonly string[],
  version: Version,
  annotations: Readonly<Record<string, string>> = {},
): Fields {
  const { annotations: others, ...more } = metadata(random);
  return {
    apiVersion: `tekton.dev/${version}`,
    kind: 'Pipeline',
    metadata: { name, ...more, annotations: { ...(others ?? {}), ...annotations } },
    spec: pipelineSpec(random, tasks, version),
  };
}

/** A Pipeline that names each of `tasks` at least once. */
export function pipelineSpec(random: Random, tasks: readonly string[], version: Version): Fields {
  const named = [...tasks, ...random.some(tasks, 2)];
  const inFinally = named.filter(() => random.chance(0.15));
  const before = named.filter((name) => !inFinally.includes(name));
  const others = random.many(before.length === 0 ? 1 : 0, 2, () => undefined);
  const list = [...before, ...others];
  return {
    ...random.maybe(0.2, () => ({ description: textOf(random) || 'd' })),
    ...random.maybe(0.4, () => ({ params: paramSpecs(random) })),
    ...random.maybe(0.3, () => ({ workspaces: [{ name: 'shared' }, { name: 'maybe', optional: true }] })),
    ...random.maybe(0.2, () => ({ results: [{ name: 'out', value: '$(tasks.t0.results.out)' }] })),
    tasks: list.map((task, index) =>
      pipelineTask(random, `t${index}`, task, version, index > 0 ? `t${index - 1}` : undefined),
    ),
    ...(inFinally.length === 0
      ? {}
      : { finally: inFinally.map((task, index) => pipelineTask(random, `f${index}`, task, version, undefined)) }),
  };
}

/** @param task The Task that it names; `undefined` for one that is no name in the repository. */
function pipelineTask(
  random: Random,
  name: string,
  task: string | undefined,
  version: Version,
  after: string | undefined,
): Fields {
  return {
    name,
    ...(task === undefined ? elsewhere(random, version) : { taskRef: { name: task, ...ofTekton(random, version) } }),
    ...(after === undefined ? {} : random.maybe(0.3, () => ({ runAfter: [after] }))),
    ...random.maybe(0.2, () => ({
      when: [{ input: textOf(random) || 'x', operator: random.pick(['in', 'notin']), values: [textOf(random)] }],
    })),
    ...random.maybe(0.4, () => ({ params: params(random) })),
    ...random.maybe(0.1, () => ({ matrix: matrix(random) })),
    ...random.maybe(0.2, () => ({
      workspaces: [{ name: 'source', workspace: 'shared', ...random.maybe(0.3, () => ({ subPath: 'a/b' })) }],
    })),
    ...random.maybe(0.1, () => ({ retries: random.below(3) + 1 })),
    ...random.maybe(0.1, () => ({ timeout: random.pick(['10s', '90m', '1h', '1h0m1s', '1.5h']) })),
    ...random.maybe(0.1, () => ({ onError: 'continue' })),
    ...random.maybe(0.1, () => ({ displayName: textOf(random) || 'd' })),
  };
}

function ofTekton(random: Random, version: Version): Fields {
  return {
    ...random.maybe(0.2, () => ({ kind: 'Task' })),
    ...random.maybe(0.1, () => ({ apiVersion: `tekton.dev/${version}` })),
  };
}

/** What is embedded already, or is for Tekton or for somebody else to find. */
function elsewhere(random: Random, version: Version): Fields {
  switch (random.below(6)) {
    case 0:
      return { taskRef: { apiVersion: 'example.dev/v1', kind: 'Wait', name: 'a-wait' } };
    case 1:
      return {
        taskRef: {
          resolver: 'git',
          params: [
            { name: 'url', value: 'https://example.com/r' },
            { name: 'pathInRepo', value: 't.yaml' },
          ],
        },
      };
    case 2:
      return { taskRef: { kind: 'ClusterTask', name: 'of-the-cluster' } };
    case 3:
      return { taskSpec: { apiVersion: 'example.dev/v1', kind: 'Wait', spec: { seconds: 5, text: textOf(random) } } };
    default:
      return {
        taskSpec: {
          ...random.maybe(0.3, () => ({ metadata: metadata(random) })),
          ...taskSpec(random, 'embedded', version),
        },
      };
  }
}

function matrix(random: Random): Fields {
  return {
    params: [{ name: 'm', value: [textOf(random), textOf(random)] }],
    ...random.maybe(0.3, () => ({ include: [{ name: 'one', params: [{ name: 'm', value: textOf(random) }] }] })),
  };
}
