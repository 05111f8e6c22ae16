import type { KubeObject } from '../kube/resource.ts';

// Tekton's v1 API as far as the runtime reads or writes it (docs/pipeline-api.md). Objects keep all their other fields.

export type ParamType = 'string' | 'array' | 'object';
export type ParamValue = string | string[] | Record<string, string>;

export interface ParamSpec {
  name: string;
  type?: ParamType;
  description?: string;
  default?: ParamValue;
  enum?: string[];
  properties?: Record<string, { type?: string }>;
}

export interface Param {
  name: string;
  value: ParamValue;
}

export interface PipelineWorkspaceDeclaration {
  name: string;
  description?: string;
  optional?: boolean;
}

/** A workspace's binding: `name` and one source, such as `persistentVolumeClaim` or `emptyDir`. */
export interface WorkspaceBinding {
  name: string;
  [source: string]: unknown;
}

export interface ResultSpec {
  name: string;
  type?: ParamType;
  description?: string;
  value?: ParamValue;
  properties?: Record<string, { type?: string }>;
}

export interface TaskRef {
  name?: string;
  kind?: string;
  apiVersion?: string;
  resolver?: string;
  params?: Param[];
  bundle?: string;
}

export interface PipelineTask {
  name: string;
  taskRef?: TaskRef;
  taskSpec?: TaskSpec;
  [field: string]: unknown;
}

export interface TaskSpec {
  params?: ParamSpec[];
  results?: ResultSpec[];
  [field: string]: unknown;
}

export interface PipelineSpec {
  params?: ParamSpec[];
  workspaces?: PipelineWorkspaceDeclaration[];
  tasks?: PipelineTask[];
  finally?: PipelineTask[];
  results?: ResultSpec[];
  [field: string]: unknown;
}

export interface Pipeline extends KubeObject {
  spec: PipelineSpec;
}

export interface Task extends KubeObject {
  spec: TaskSpec;
}

export interface PipelineRef {
  name?: string;
  resolver?: string;
  params?: Param[];
  [field: string]: unknown;
}

export interface Timeouts {
  pipeline?: string;
  tasks?: string;
  finally?: string;
}

export type PipelineRunSpecStatus = 'Cancelled' | 'CancelledRunFinally' | 'StoppedRunFinally' | 'PipelineRunPending';

export interface PipelineRunSpec {
  pipelineRef?: PipelineRef;
  pipelineSpec?: PipelineSpec;
  params?: Param[];
  workspaces?: WorkspaceBinding[];
  timeouts?: Timeouts;
  status?: PipelineRunSpecStatus;
  taskRunTemplate?: { serviceAccountName?: string; [field: string]: unknown };
  taskRunSpecs?: { pipelineTaskName?: string; [field: string]: unknown }[];
  [field: string]: unknown;
}

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
}

export interface ChildReference {
  apiVersion?: string;
  kind: string;
  name: string;
  pipelineTaskName?: string;
}

export interface PipelineRunStatus {
  conditions?: Condition[];
  startTime?: string;
  completionTime?: string;
  finallyStartTime?: string;
  results?: Param[];
  pipelineSpec?: PipelineSpec;
  childReferences?: ChildReference[];
  skippedTasks?: { name: string; reason?: string }[];
}

export interface PipelineRun extends KubeObject {
  spec: PipelineRunSpec;
  status?: PipelineRunStatus;
}

export interface StepState {
  name?: string;
  container?: string;
  running?: unknown;
  terminated?: { exitCode?: number; reason?: string };
  waiting?: unknown;
}

export interface TaskRunStatus {
  conditions?: Condition[];
  podName?: string;
  startTime?: string;
  completionTime?: string;
  steps?: StepState[];
  taskSpec?: TaskSpec;
  retriesStatus?: TaskRunStatus[];
}

export interface TaskRun extends KubeObject {
  spec: {
    params?: Param[];
    workspaces?: WorkspaceBinding[];
    timeout?: string;
    status?: string;
    statusMessage?: string;
    [field: string]: unknown;
  };
  status?: TaskRunStatus;
}

/** Tekton's labels on what a PipelineRun makes (docs/labels.md). */
export const labels = {
  pipelineRun: 'tekton.dev/pipelineRun',
  pipelineRunUid: 'tekton.dev/pipelineRunUID',
  pipelineTask: 'tekton.dev/pipelineTask',
  taskRun: 'tekton.dev/taskRun',
} as const;

/** The condition that says how a run stands. */
export function succeeded(run: { status?: { conditions?: Condition[] } }): Condition | undefined {
  return run.status?.conditions?.find(({ type }) => type === 'Succeeded');
}
