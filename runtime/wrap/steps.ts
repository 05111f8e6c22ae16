import { commandOf, imageOf } from '../image.ts';
import { itemsOf, textIn } from '../resolve/check/values.ts';
import type { Fields } from '../shape.ts';
import { workspaceFields } from '../workspace/fields.ts';
import type { UseNames } from './names.ts';
import type { StepUser } from './user.ts';

/** What the steps of all Tasks have in common. */
export interface StepOptions {
  /** Image reference with `{{step}}` for the step's name; undefined: this release's. */
  images: string | undefined;
  /** The first content of a workspace. */
  base: string | undefined;
  /** Registries that speak HTTP. */
  insecure: readonly string[];
}

/** Where in our containers the workspaces are, and what pull leaves for push. */
const place = '/subpipe-wrap';

/** Whether a step is one that wrapping has added. */
export function isAdded({ volumeMounts }: Fields): boolean {
  return itemsOf(volumeMounts, []).some(({ fields }) => textIn(fields.mountPath).startsWith(`${place}/`));
}

/** Where the steps of one Task find a workspace. */
export interface StepPlace {
  /** What the Task calls it. */
  workspace: string;
  names: UseNames;
  /** The volume for what pull leaves for push. */
  volume: string;
  user: StepUser;
}

/** The step that fills a workspace before the Task's own. */
export function pullStep(at: StepPlace, options: StepOptions & { mayBeMissing: boolean }): Fields {
  const { names, user } = at;
  const flags = [
    ...(options.base === undefined ? [] : [`--base=${options.base}`]),
    ...(options.mayBeMissing ? ['--optional=true'] : []),
    ...(user.keepsOwners ? ['--owner=keep'] : []),
  ];
  // Sidecars begin before the steps: what one has written already is not to go without a word.
  flags.push('--expect-empty=true');
  // Results without any file are shown in the log, which is the Task's.
  const result = `--result.files=${place}/state/${names.folder}.files`;
  const all = [...flags, result, '--', `$(params.${names.from}[*])`];
  return { name: names.pullStep, ...container('oci-workspace-pull', at, options, all) };
}

/** The step that pushes what changed, after the Task's own. */
export function pushStep(
  at: StepPlace,
  options: StepOptions & { announces: boolean; tag: boolean; resultsLimit: number },
): Fields {
  const { names } = at;
  const flags = [
    `--target=$(params.${names.to})`,
    ...(options.tag ? [`--tags=$(params.${names.tag})`] : []),
    `--announce=${options.announces}`,
    // Also of who may not give files away: a Task whose steps are several users pulls them as root, for each of these.
    '--owner=keep',
    `--results-limit=${options.resultsLimit}`,
    `--result.image=$(results.${names.result}.path)`,
  ];
  return { name: names.pushStep, ...container('oci-workspace-push', at, options, flags) };
}

function container(step: string, at: StepPlace, options: StepOptions, flags: string[]): Fields {
  const folder = `${place}/workspace/${at.names.folder}`;
  const insecure = options.insecure.length === 0 ? [] : [`--insecure=${options.insecure.join(',')}`];
  const state = [`--name=${at.names.folder}`, `--state-folder=${place}/state`];
  return {
    image: options.images === undefined ? imageOf(step) : options.images.replaceAll('{{step}}', step),
    command: commandOf(step),
    args: [`--folder=${folder}`, ...state, ...insecure, ...flags],
    // What the Task sets for all of its steps is meant for its own: its folder need not be there yet, nor its modules for Node.
    workingDir: '/',
    env: [
      { name: 'NODE_OPTIONS', value: '' },
      ...Object.entries(workspaceFields).map(([name, fieldPath]) => ({ name, valueFrom: { fieldRef: { fieldPath } } })),
    ],
    // By its volume, not by its path: so it is the same for workspaces that are read-only, isolated, or mounted elsewhere.
    volumeMounts: [
      { name: `$(workspaces.${at.workspace}.volume)`, mountPath: folder },
      { name: at.volume, mountPath: `${place}/state` },
    ],
    securityContext: at.user.securityContext,
  };
}
