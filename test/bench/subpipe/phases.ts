import { median } from '../statistics.ts';
import type { Observer, Sightings } from './observer.ts';

const steps = [
  'from the request for the PipelineRun to its TaskRun',
  "to the TaskRun's pod",
  'to its container, running',
  "to the child (Tekton's entrypoint, our start, checks and create)",
  "to the child's end",
  "to the TaskRun's end (our exit, the container's, kubelet, Tekton)",
  "to the PipelineRun's end",
] as const;

/** Seconds of each part of one call, in the order of {@link steps}. */
export type CallPhases = readonly number[];

/** Where the time of the call `name` went. Objects are told by their names, which Tekton derives from the run's. */
export function phasesOf(observer: Observer, name: string, seconds: number): CallPhases {
  const find = (kind: string, test: (name: string) => boolean): Sightings => {
    const found = observer.all(kind).find(({ object }) => test(object.metadata.name));
    if (found === undefined) throw new Error(`no ${kind} of ${name} was seen`);
    return found;
  };
  const run = find('PipelineRun', (one) => one === name);
  const taskRun = find('TaskRun', (one) => one === `${name}-call`);
  const pod = find('Pod', (one) => one === `${name}-call-pod`);
  const child = find('PipelineRun', (one) => one.startsWith(`${name}-call-`));
  const end = run.ended ?? Number.NaN;
  const begin = end - seconds * 1000;
  const marks = [begin, taskRun.seen, pod.seen, pod.started, child.seen, child.ended, taskRun.ended, end];
  return marks.slice(1).map((mark, index) => ((mark ?? Number.NaN) - (marks[index] ?? Number.NaN)) / 1000);
}

/** The medians of the parts, as a list for people. */
export function describePhases(all: readonly CallPhases[]): string {
  const lines = steps.map((step, index) => {
    const value = median(all.map((phases) => phases[index] ?? Number.NaN));
    return `  ${value.toFixed(2).padStart(6)} s  ${step}`;
  });
  return `Where the time of one call through the Task goes (medians):\n${lines.join('\n')}`;
}
