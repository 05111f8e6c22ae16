import type { Fields } from '../../../../runtime/shape.ts';
import type { Random } from './random.ts';
import { metadata, params, type Version } from './task.ts';

/** A PipelineRun. @param pipeline `pipelineRef` or `pipelineSpec`. */
export function runObject(
  random: Random,
  name: string,
  pipeline: Fields,
  version: Version,
  annotations: Readonly<Record<string, string>>,
): Fields {
  const { annotations: others, ...more } = metadata(random);
  return {
    apiVersion: `tekton.dev/${version}`,
    kind: 'PipelineRun',
    metadata: {
      [random.chance(0.2) ? 'generateName' : 'name']: name,
      ...random.maybe(0.2, () => ({ namespace: 'somewhere' })),
      ...more,
      annotations: { ...(others ?? {}), ...event(random), ...annotations },
    },
    spec: {
      ...pipeline,
      ...random.maybe(0.4, () => ({ params: params(random) })),
      ...random.maybe(0.4, () => ({ workspaces: bindings(random) })),
      ...(version === 'v1' ? ofV1(random) : ofV1beta1(random)),
    },
  };
}

/** Annotations that say when it starts: nothing to the resolver. */
function event(random: Random): Record<string, string> {
  const prefix = 'pipelinesascode.tekton.dev';
  return {
    ...random.maybe(0.5, () => ({
      [`${prefix}/on-event`]: '[push, pull_request]',
      [`${prefix}/on-target-branch`]: 'main',
    })),
    ...random.maybe(0.2, () => ({ [`${prefix}/max-keep-runs`]: '5' })),
    ...random.maybe(0.1, () => ({ [`${prefix}/on-cel-expression`]: 'event == "push" && target_branch == "main"' })),
  };
}

function bindings(random: Random): Fields[] {
  return random.many(1, 2, (index) => ({
    name: `w${index}`,
    ...random.pick<Fields>([
      { emptyDir: {} },
      { persistentVolumeClaim: { claimName: 'c' }, subPath: 'x' },
      { secret: { secretName: 's' } },
      { configMap: { name: 'c' } },
      {
        volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
      },
    ]),
  }));
}

const pod = { nodeSelector: { disk: 'ssd' }, securityContext: { fsGroup: 65532 } };

function ofV1(random: Random): Fields {
  return {
    ...random.maybe(0.3, () => ({
      timeouts: { pipeline: '1h30m', ...random.maybe(0.5, () => ({ tasks: '1h', finally: '90s' })) },
    })),
    ...random.maybe(0.3, () => ({
      taskRunTemplate: { serviceAccountName: 'sa', ...random.maybe(0.3, () => ({ podTemplate: pod })) },
    })),
    ...random.maybe(0.2, () => ({
      taskRunSpecs: [{ pipelineTaskName: 't0', serviceAccountName: 'other', podTemplate: pod }],
    })),
    ...random.maybe(0.05, () => ({ status: 'PipelineRunPending' })),
  };
}

function ofV1beta1(random: Random): Fields {
  return {
    ...random.pick<Fields>([{}, {}, { timeout: '1h30m' }, { timeouts: { pipeline: '2h' } }]),
    ...random.maybe(0.3, () => ({ serviceAccountName: 'sa' })),
    ...random.maybe(0.2, () => ({ podTemplate: pod })),
    ...random.maybe(0.2, () => ({
      taskRunSpecs: [{ pipelineTaskName: 't0', taskServiceAccountName: 'other', taskPodTemplate: pod }],
    })),
  };
}
