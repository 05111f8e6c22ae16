import { pipelineRuns, pipelines, taskRuns } from '../../runtime/kube/resource.ts';
import {
  labels,
  type Param,
  type Pipeline,
  type PipelineRun,
  type PipelineSpec,
  type TaskRun,
} from '../../runtime/tekton/types.ts';
import type { FakeKube } from '../fakes/kube.ts';

/** What Tekton's controller and users do in a cluster, done to the fake one. */

export function addPipeline(kube: FakeKube, name: string, spec: PipelineSpec = {}, namespace = 'ci'): Pipeline {
  return kube.add<Pipeline>(pipelines, { metadata: { name, namespace }, spec });
}

/** A PipelineRun that runs. */
export function addRun(kube: FakeKube, name: string, more: Partial<PipelineRun> = {}, namespace = 'ci'): PipelineRun {
  const { metadata, ...rest } = more;
  return kube.add<PipelineRun>(pipelineRuns, {
    spec: {},
    status: { conditions: [{ type: 'Succeeded', status: 'Unknown', reason: 'Running' }] },
    ...rest,
    metadata: { ...metadata, name, namespace },
  });
}

/** How a run ends. */
export interface End {
  status?: 'True' | 'False';
  reason?: string;
  message?: string;
  results?: Param[];
}

export function endRun(kube: FakeKube, name: string, end: End = {}, namespace = 'ci'): PipelineRun {
  const { status = 'True', reason = status === 'True' ? 'Succeeded' : 'Failed', message = '', results = [] } = end;
  return kube.update<PipelineRun>(
    pipelineRuns,
    name,
    (run) => {
      run.status = { ...run.status, conditions: [{ type: 'Succeeded', status, reason, message }], results };
    },
    namespace,
  );
}

/** The TaskRun that a step runs in, and its PipelineRun where `parent` is given. */
export function addCaller(
  kube: FakeKube,
  options: { parent?: Partial<PipelineRun>; task?: Partial<TaskRun>; alone?: boolean } = {},
): { env: Record<string, string> } {
  const { alone = false, parent = {}, task = {} } = options;
  const start = new Date().toISOString();
  const { metadata, ...rest } = task;
  if (!alone) {
    addRun(kube, 'main', {
      status: { startTime: start, conditions: [{ type: 'Succeeded', status: 'Unknown' }] },
      ...parent,
    });
  }
  kube.add<TaskRun>(taskRuns, {
    spec: {},
    status: { startTime: start, podName: 'main-call-pod', conditions: [{ type: 'Succeeded', status: 'Unknown' }] },
    ...rest,
    metadata: {
      uid: '11111111-2222-3333-4444-555555555555',
      labels: alone ? {} : { [labels.pipelineRun]: 'main', [labels.pipelineTask]: 'call' },
      ...metadata,
      name: 'main-call',
      namespace: 'ci',
    },
  });
  return { env: { SUBPIPE_TASK_RUN: 'main-call', ...(alone ? {} : { SUBPIPE_PIPELINE_RUN: 'main' }) } };
}

/** A TaskRun of a run, named in its status, with one step of which a log exists. */
export function addTaskRun(
  kube: FakeKube,
  run: string,
  task: string,
  options: { status?: 'True' | 'False' | 'Unknown'; step?: string } = {},
): TaskRun {
  const { status = 'Unknown', step = 'run' } = options;
  const ended = status !== 'Unknown';
  const name = `${run}-${task}`;
  if (kube.find(pipelineRuns, run) !== undefined) {
    kube.update<PipelineRun>(pipelineRuns, run, (parent) => {
      const others = (parent.status?.childReferences ?? []).filter((one) => one.name !== name);
      parent.status = {
        ...parent.status,
        childReferences: [...others, { kind: 'TaskRun', name, pipelineTaskName: task }],
      };
    });
  }
  return kube.add<TaskRun>(taskRuns, {
    metadata: {
      name,
      namespace: 'ci',
      labels: { [labels.pipelineRun]: run, [labels.pipelineTask]: task },
    },
    spec: {},
    status: {
      podName: `${run}-${task}-pod`,
      conditions: [{ type: 'Succeeded', status }],
      ...(ended ? { completionTime: new Date().toISOString() } : {}),
      steps: [
        {
          name: step,
          container: `step-${step}`,
          ...(ended ? { terminated: { exitCode: status === 'True' ? 0 : 1 } } : { running: {} }),
        },
      ],
    },
  });
}
