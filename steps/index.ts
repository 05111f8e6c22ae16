import type { StepDefinition } from '../runtime/step.ts';
import { ociWorkspacePull } from './oci-workspace-pull/step.ts';
import { ociWorkspacePush } from './oci-workspace-push/step.ts';
import { pacResolve } from './pac-resolve/step.ts';
import { subpipe } from './subpipe/step.ts';
import { subpipeTrigger } from './subpipe-trigger/step.ts';
import { subpipeWait } from './subpipe-wait/step.ts';

/** All steps of this release. Their Tasks, StepActions, Roles, tables and images are made from this list. */
export const steps: readonly StepDefinition[] = [
  subpipeTrigger,
  subpipeWait,
  subpipe,
  pacResolve,
  ociWorkspacePull,
  ociWorkspacePush,
];
