import type { KubeObject } from '../../../runtime/kube/resource.ts';

/** The ways to run things that are compared. */
export const variants = {
  'no-op': 'a no-op TaskRun',
  child: 'the child run alone',
  call: 'a PipelineRun with one task that calls the child through the Task subpipe',
  'step-action': 'a TaskRun with a no-op step and the StepAction subpipe',
  five: 'a PipelineRun with one Task subpipe and five calls',
  'five-tasks': 'five Tasks subpipe of one call each',
  'kubectl-wait': 'kubectl create, kubectl wait',
  'kubectl-poll': 'kubectl create, kubectl get every 5 s',
  native: "Tekton's alpha",
} as const;

export type Variant = keyof typeof variants;

export interface Images {
  shell: string;
  /** With kubectl and a shell. */
  kubectl: string;
}

/** A run as it is created. */
export type Run = KubeObject & { kind: 'PipelineRun' | 'TaskRun'; spec: object };

const apiVersion = 'tekton.dev/v1';
const account = 'subpipe';
const calls = ['a', 'b', 'c', 'd', 'e'];

/** The child of every variant: one task of one step that does next to nothing, so that the price of the call shows. */
export function childPipeline({ shell }: Images): object {
  const steps = [{ name: 'run', image: shell, command: ['echo', 'done'] }];
  return {
    apiVersion,
    kind: 'Pipeline',
    metadata: { name: 'child' },
    spec: { tasks: [{ name: 'work', taskSpec: { steps } }] },
  };
}

/** The run of a variant that is created, and whose end is waited for. */
export function runOf(variant: Variant, name: string, images: Images): Run {
  const noop = { name: 'work', image: images.shell, command: ['true'] };
  const child = [{ name: 'pipeline', value: 'child' }];
  const callTask = (task: string): object => ({ name: task, taskRef: { name: 'subpipe' }, params: child });
  const kubectlTask = (wait: string): object => ({
    name: 'call',
    taskSpec: {
      steps: [{ name: 'call', image: images.kubectl, command: ['sh', '-e', '-c', `${createChild}${wait}`] }],
    },
  });
  switch (variant) {
    case 'no-op':
      return taskRun(name, [noop]);
    case 'step-action':
      return taskRun(name, [noop, { name: 'call', ref: { name: 'subpipe' }, params: child }]);
    case 'child':
      return { apiVersion, kind: 'PipelineRun', metadata: { name }, spec: { pipelineRef: { name: 'child' } } };
    case 'call':
      return pipelineRun(name, [callTask('call')]);
    case 'five': {
      const value = JSON.stringify(calls.map((call) => ({ name: call, pipeline: 'child' })));
      return pipelineRun(name, [{ name: 'call', taskRef: { name: 'subpipe' }, params: [{ name: 'calls', value }] }]);
    }
    case 'five-tasks':
      return pipelineRun(name, calls.map(callTask));
    case 'kubectl-wait':
      return pipelineRun(name, [kubectlTask('kubectl wait --for=condition=Succeeded --timeout=1h "$run"')]);
    case 'kubectl-poll':
      return pipelineRun(name, [
        kubectlTask('until kubectl get "$run" -o jsonpath="{.status.completionTime}" | grep -q .; do sleep 5; done'),
      ]);
    case 'native':
      return pipelineRun(name, [{ name: 'call', pipelineRef: { name: 'child' } }]);
    default:
      return variant satisfies never;
  }
}

/** In the container's command and not as Tekton's `script`, which would cost the peer one more init container. */
const createChild = `run=$(kubectl create -o name -f - <<END
{"apiVersion":"tekton.dev/v1","kind":"PipelineRun","metadata":{"generateName":"child-"},"spec":{"pipelineRef":{"name":"child"}}}
END
)
`;

function taskRun(name: string, steps: object[]): Run {
  return {
    apiVersion,
    kind: 'TaskRun',
    metadata: { name },
    spec: { serviceAccountName: account, taskSpec: { steps } },
  };
}

function pipelineRun(name: string, tasks: object[]): Run {
  return {
    apiVersion,
    kind: 'PipelineRun',
    metadata: { name },
    spec: { taskRunTemplate: { serviceAccountName: account }, pipelineSpec: { tasks } },
  };
}
