import { createHash } from 'node:crypto';
import { formatDuration, parseDuration } from '../duration.ts';
import { invalid } from '../errors.ts';
import { isFields } from '../shape.ts';
import type { Param, PipelineRun, PipelineRunSpec, Timeouts, WorkspaceBinding } from '../tekton/types.ts';
import type { Call } from './call.ts';
import type { Caller } from './caller.ts';
import { chainAnnotation } from './chain.ts';
import type { ResolvedSource } from './source.ts';

export const callLabel = 'subpipe.dev/call';
export const callerLabel = 'subpipe.dev/caller';
export const callerUidLabel = 'subpipe.dev/caller-uid';

/** All that a child is made from. */
export interface ChildPlan {
  call: Call;
  source: ResolvedSource;
  params: Param[];
  chain: string[];
  namespace: string;
  caller: Caller | undefined;
  /** Stands for the caller in names: the TaskRun's UID, or a random text on a laptop. */
  callerUid: string;
}

/**
 * The child's name: the same for the same TaskRun, call and attempt, so that a second try finds the first one's child.
 * At most 63 characters, because Tekton writes it into a label.
 */
export function childName(plan: Pick<ChildPlan, 'call' | 'caller' | 'callerUid'>, attempt: number): string {
  const { call, caller, callerUid } = plan;
  const tail = `-${createHash('sha256').update(`${callerUid}/${call.name}`).digest('hex').slice(0, 8)}${attempt === 0 ? '' : `-r${attempt}`}`;
  const head =
    caller === undefined || caller.taskRun.endsWith(call.name)
      ? (caller?.taskRun ?? call.name)
      : `${caller.taskRun}-${call.name}`;
  return `${head.slice(0, 63 - tail.length).replace(/[^a-z0-9]+$/, '')}${tail}`;
}

/** The child as it is sent to the API server. @throws SubpipeError `INVALID` where fields contradict each other. */
export function childRun(plan: ChildPlan, attempt: number, now = Date.now()): PipelineRun {
  const { call, source, caller, callerUid } = plan;
  const base = source.base;
  const { pipelineRef: _ref, pipelineSpec: _spec, status: _status, ...inherited } = base?.spec ?? {};
  const spec = merge(inherited, call.runSpec) as PipelineRunSpec;
  const serviceAccountName = call.serviceAccount ?? spec.taskRunTemplate?.serviceAccountName;
  const timeouts = timeoutsOf(call, spec.timeouts, caller?.deadline, now);
  const owner = caller !== undefined && caller.namespace === plan.namespace ? [ownerOf(caller)] : undefined;
  return {
    metadata: {
      name: childName(plan, attempt),
      namespace: plan.namespace,
      labels: {
        ...base?.metadata.labels,
        ...call.labels,
        [callLabel]: call.name,
        ...(caller === undefined ? {} : { [callerLabel]: caller.taskRun }),
        [callerUidLabel]: callerUid,
      },
      annotations: {
        ...base?.metadata.annotations,
        ...call.annotations,
        [chainAnnotation]: JSON.stringify(plan.chain),
      },
      ...(owner === undefined ? {} : { ownerReferences: owner }),
    },
    spec: {
      ...spec,
      ...source.target,
      params: byName(spec.params ?? [], plan.params),
      workspaces: workspacesOf(call, source),
      ...(timeouts === undefined ? {} : { timeouts }),
      ...(serviceAccountName === undefined ? {} : { taskRunTemplate: { ...spec.taskRunTemplate, serviceAccountName } }),
    },
  };
}

/** The calling TaskRun as owner: a deleted caller takes its children along. */
export function ownerOf(caller: Caller): { apiVersion: string; kind: string; name: string; uid: string } {
  return { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name: caller.taskRun, uid: caller.run.metadata.uid ?? '' };
}

/** The call's bindings, those of `runSpec` and those of the PipelineRun it starts from; the first of a name counts. */
export function workspacesOf(call: Call, source: ResolvedSource): WorkspaceBinding[] {
  return byName(source.base?.spec.workspaces ?? [], byName(call.runSpec.workspaces ?? [], call.workspaces));
}

/** Those of `high`, and those of `low` whose name it has not. */
export function byName<T extends { name: string }>(low: readonly T[], high: readonly T[]): T[] {
  return [...low.filter(({ name }) => !high.some((one) => one.name === name)), ...high];
}

/**
 * So many ms before the caller's own end does the child time out: then the step is still there to report it. On a busy
 * cluster 10 s are not enough to end the child, see that, and have the kubelet and Tekton tell it.
 */
const reserve = (left: number): number => Math.min(left / 2, Math.max(10_000, Math.min(30_000, left / 5)));

/** The child's timeouts: what the call says, but no more than the caller has left. */
function timeoutsOf(
  call: Call,
  given: Timeouts | undefined,
  deadline: number | undefined,
  now: number,
): Timeouts | undefined {
  const asked =
    call.timeout ?? (given?.pipeline === undefined ? undefined : parseDuration(given.pipeline, 'timeouts.pipeline'));
  const left = deadline === undefined ? undefined : deadline - now;
  if (left !== undefined && left < 1000)
    throw invalid(`no time is left for the call ${call.name}: its caller is about to time out`);
  const cap = left === undefined ? undefined : Math.max(1000, left - reserve(left));
  const unlimited = asked === undefined || asked === 0;
  const pipeline = cap === undefined ? asked : unlimited ? cap : Math.min(asked, cap);
  if (pipeline === undefined) return given;
  const rest = { ...given, pipeline: pipeline === 0 ? '0s' : formatDuration(Math.max(1000, pipeline)) };
  if (pipeline === 0) return rest;
  // Tekton wants tasks + finally to fit into pipeline: what no longer fits is shortened, tasks first.
  // "No limit" (0) does not fit either: left out, Tekton takes what the other leaves.
  const partOf = (text: string | undefined, where: string): number | undefined =>
    text === undefined ? undefined : parseDuration(text, where) || undefined;
  const askedFinal = partOf(rest.finally, 'timeouts.finally');
  const final = askedFinal === undefined ? undefined : Math.max(1000, Math.min(askedFinal, pipeline / 2));
  const askedTasks = partOf(rest.tasks, 'timeouts.tasks');
  const tasks = askedTasks === undefined ? undefined : Math.max(1000, Math.min(askedTasks, pipeline - (final ?? 0)));
  return {
    pipeline: rest.pipeline,
    ...(tasks === undefined ? {} : { tasks: formatDuration(tasks) }),
    ...(final === undefined ? {} : { finally: formatDuration(final) }),
  };
}

/** Objects are merged, everything else of `over` replaces what was there. */
export function merge(under: unknown, over: unknown): unknown {
  if (!isFields(under) || !isFields(over)) return over === undefined ? under : over;
  return Object.fromEntries(
    [...new Set([...Object.keys(under), ...Object.keys(over)])].map((key) => [key, merge(under[key], over[key])]),
  );
}
