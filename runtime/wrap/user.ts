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
  // The Task's stepTemplate may say true, and Kubernetes takes no container with that and the next line.
  privileged: false,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

/**
 * Pull and push must read and replace what the Task's own steps write. So they run as those do: as the run, the Task or the steps
 * say. Where nobody says, steps run as their images say, mostly root; and only root can serve steps that are several users. Then ours
 * are root, with the rights to change owners and to read all files, and none else.
 *
 * @param user What the caller wants; undefined: as above.
 */
export function userOf(
  task: PipelineTask,
  run: Pick<PipelineRunSpec, 'taskRunTemplate' | 'taskRunSpecs'>,
  user: WrapUser | undefined,
): StepUser {
  if (user !== undefined && user !== 'image') return user === 0 ? root : plain({ runAsUser: user });
  const spec = fieldsIn(task.taskSpec);
  const own = run.taskRunSpecs?.find(({ pipelineTaskName }) => pipelineTaskName === task.name);
  // Of the two of a pod one counts, as a whole (pkg/apis/pipeline/pod/template.go, MergePodTemplateWithDefault).
  const inOwn = fieldsIn(own?.podTemplate).securityContext;
  const pod = fieldsIn(isGiven(inOwn) ? inOwn : fieldsIn(run.taskRunTemplate?.podTemplate).securityContext);
  const above = { ...pod, ...contextOf(fieldsIn(spec.stepTemplate)) };
  // Where the pod says root there is no other.
  if (user === 'image') return plain(above.runAsUser === 0 ? { runAsNonRoot: false } : {});
  const steps = itemsOf(spec.steps, []).map(({ fields }) => contextOf(fields));
  const users = new Set(steps.map(({ runAsUser }) => runAsUser ?? above.runAsUser));
  const [one] = users;
  // Where some are root, root is allowed.
  if (users.has(0)) return root;
  if (users.size > 1 || typeof one !== 'number') return above.runAsNonRoot === true ? plain({}) : root;
  if (one === above.runAsUser) return plain({});
  const [group, ...others] = new Set(steps.map(({ runAsGroup }) => runAsGroup));
  return plain({ runAsUser: one, ...(others.length === 0 && isGiven(group) ? { runAsGroup: group } : {}) });
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
  // Namespaces with the Pod Security Standard "restricted" want it said, by the pod or by each container.
  return {
    securityContext: { ...least, runAsNonRoot: true, ...context, capabilities: { drop: ['ALL'] } },
    keepsOwners: false,
  };
}

function contextOf({ securityContext }: Fields): Fields {
  return fieldsIn(securityContext);
}
