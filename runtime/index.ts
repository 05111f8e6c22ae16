// The public face of the runtime: what somebody else's step is written with (`import { defineStep } from 'subpipe'`).
export { type ErrorCode, invalid, SubpipeError } from './errors.ts';
export { KubeClient } from './kube/client.ts';
export { allow, type Rule } from './kube/rbac.ts';
export { type WatchEvent, type WatchOptions, watch } from './kube/watch.ts';
export type { Log } from './log.ts';
export { main, runStep } from './main.ts';
export { type ManifestOptions, rbacOf, stepActionOf, taskOf } from './manifest.ts';
export {
  choice,
  duration,
  integer,
  list,
  type Param,
  type Params,
  resourceName,
  text,
  textMap,
  toggle,
  type ValuesOf,
  yaml,
} from './params.ts';
export { addSecret } from './redact.ts';
export { arrayResult, type Result, type ResultFile, type Results, textResult } from './results.ts';
export { defineStep, type StepContext, type StepDefinition, type StepWorkspace } from './step.ts';
