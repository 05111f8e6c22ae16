import { fieldsIn, isGiven, itemsOf } from '../resolve/check/values.ts';
import type { Fields } from '../shape.ts';
import type { PipelineRunSpec, PipelineTask } from '../tekton/types.ts';

/** Who pull and push run as: a user ID, or `image` for whom the cluster or else the image says. */
export type WrapUser = number | 'image';

/** How pull and push run in a Task, and whether they may keep the owners of files. */
export interface StepUser {
  securityContext: Fields;
  keepsOwners: boolean;
}

/** What every step of ours asks for. */
const least = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

/**
 * Pull and push must read and replace what the Task's own steps write. So they run as those do: as the run, the Task or all of its
 * steps say. Where nobody says, steps run as their images say, mostly root: then ours are root too, with the rights to change
 * owners and to read all files, and none else.
 *
 * @param user What the caller wants; undefined: as above.
 */
export function userOf(
  task: PipelineTask,
  run: Pick<PipelineRunSpec, 'taskRunTemplate' | 'taskRunSpecs'>,
  user: WrapUser | undefined,
): StepUser {
  if (user === 'image') return plain({});
  if (user !== undefined) return user === 0 ? root : plain({ runAsUser: user });
  const spec = fieldsIn(task.taskSpec);
  const own = run.taskRunSpecs?.find(({ pipelineTaskName }) => pipelineTaskName === task.name);
  const above = [
    contextOf(fieldsIn(own?.podTemplate)),
    contextOf(fieldsIn(run.taskRunTemplate?.podTemplate)),
    contextOf(fieldsIn(spec.stepTemplate)),
  ];
  if (above.some((context) => isGiven(context.runAsUser) || context.runAsNonRoot === true)) return plain({});
  const steps = itemsOf(spec.steps, []).map(({ fields }) => contextOf(fields));
  const [first] = steps;
  const users = new Set(steps.map(({ runAsUser }) => runAsUser));
  if (typeof first?.runAsUser === 'number' && first.runAsUser !== 0 && users.size === 1) {
    const groups = new Set(steps.map(({ runAsGroup }) => runAsGroup));
    const isOne = groups.size === 1 && isGiven(first.runAsGroup);
    return plain({ runAsUser: first.runAsUser, ...(isOne ? { runAsGroup: first.runAsGroup } : {}) });
  }
  return root;
}

const root: StepUser = {
  securityContext: {
    ...least,
    runAsUser: 0,
    runAsGroup: 0,
    runAsNonRoot: false,
    capabilities: { drop: ['ALL'], add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'] },
  },
  keepsOwners: true,
};

function plain(context: Fields): StepUser {
  return { securityContext: { ...least, ...context, capabilities: { drop: ['ALL'] } }, keepsOwners: false };
}

function contextOf({ securityContext }: Fields): Fields {
  return fieldsIn(securityContext);
}
