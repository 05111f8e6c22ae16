import { validate } from '../../runtime/resolve/check/validate.ts';
import type { Finding } from '../../runtime/resolve/resolved.ts';
import { type Fields, isFields } from '../../runtime/shape.ts';
import type { Param, PipelineRun, PipelineSpec, PipelineTask } from '../../runtime/tekton/types.ts';
import { type WrapOptions, type Wrapped, wrapPipeline } from '../../runtime/wrap/wrap.ts';
import { formatYaml, parseYaml } from '../../runtime/yaml.ts';
import { resolvedRuns } from '../resolve/support/resolved.ts';

export const target = 'registry.test/run-$(context.run.name)-{{workspace}}:latest';

/** The own tag of a Task's workspace in the repository of {@link target}. */
export function tagged(task: string, name = 'w', workspace = name): string {
  return `registry.test/run-$(context.pipelineRun.name)-${workspace}:$(context.pipelineRun.uid).${task}.${name}`;
}

/** Steps that nothing is wrong with. */
const steps = [{ name: 'run', image: 'busybox', script: 'ls $(workspaces.w.path)' }];

/** A pipeline task with the workspace `w`, embedded. */
export function task(name: string, more: Fields = {}, spec: Fields = {}): PipelineTask {
  return {
    name,
    workspaces: [{ name: 'w' }],
    taskSpec: { workspaces: [{ name: 'w' }], steps, ...spec },
    ...more,
  };
}

/** A Pipeline with the workspace `w`. */
export function pipeline(tasks: PipelineTask[], last: PipelineTask[] = [], more: PipelineSpec = {}): PipelineSpec {
  return { workspaces: [{ name: 'w' }], tasks, ...(last.length === 0 ? {} : { finally: last }), ...more };
}

/** Wraps a Pipeline whose workspaces are all bound to an emptyDir, unless `run` says otherwise. */
export function wrap(spec: PipelineSpec, options: Partial<WrapOptions> = {}, run: Fields = {}): Wrapped {
  const workspaces = (spec.workspaces ?? []).map(({ name }) => ({ name, emptyDir: {} }));
  return wrapPipeline(spec, { workspaces, ...run }, { target, where: '--oci-workspaces', ...options });
}

/** What Tekton would say to a run of a wrapped Pipeline. */
export async function findingsOf({ spec, workspaces }: Wrapped, more: Fields = {}): Promise<Finding[]> {
  const run = {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { name: 'wrapped' },
    spec: { pipelineSpec: spec, workspaces, ...more },
  };
  const [resolved] = await resolvedRuns(formatYaml(run));
  if (resolved === undefined) throw new Error('there is no run');
  return validate(resolved);
}

export function taskIn({ spec }: Wrapped, name: string): PipelineTask {
  const found = [...(spec.tasks ?? []), ...(spec.finally ?? [])].find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no task ${name}`);
  return found;
}

export function stepsIn(wrapped: Wrapped, name: string): Fields[] {
  const list = taskIn(wrapped, name).taskSpec?.steps;
  return Array.isArray(list) ? list.filter(isFields) : [];
}

/** The value of a param that was given to a task. */
export function paramIn(wrapped: Wrapped, name: string, param: string): Param['value'] | undefined {
  const { params } = taskIn(wrapped, name);
  const list = Array.isArray(params) ? params : [];
  return list.find((one) => one.name === param)?.value;
}

/** What a task pulls into its workspace `w`. */
export function fromOf(wrapped: Wrapped, name: string): Param['value'] | undefined {
  return paramIn(wrapped, name, 'subpipe-w-from');
}

/** A PipelineRun as YAML says. */
export async function runOf(text: string): Promise<PipelineRun> {
  return (await parseYaml(text, 'a test')) as PipelineRun;
}
