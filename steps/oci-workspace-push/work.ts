import { shown } from '../../runtime/archive/path.ts';
import type { Change, Changes } from '../../runtime/archive/tree/changes.ts';
import type { StepContext } from '../../runtime/step.ts';
import { withAccessHint } from '../../runtime/workspace/access.ts';
import { needsKey, refuseWithKey } from '../../runtime/workspace/cache/flags.ts';
import { saveCache } from '../../runtime/workspace/cache/save.ts';
import { expiryLabel } from '../../runtime/workspace/compose.ts';
import { givenOrigin } from '../../runtime/workspace/origin.ts';
import { registriesOf } from '../../runtime/workspace/params.ts';
import { pushWorkspace } from '../../runtime/workspace/push.ts';
import { terminalOf } from '../../runtime/workspace/terminal.ts';
import { readExpiry, readOwner, readTimes } from '../../runtime/workspace/values.ts';
import type { PushParams, PushResults } from './step.ts';

/** Pushes, as the step's flags say. */
export async function push(context: StepContext<PushParams, PushResults>): Promise<void> {
  try {
    await send(context);
  } catch (error) {
    throw withAccessHint(error, context.params.folder);
  }
}

async function send(context: StepContext<PushParams, PushResults>): Promise<void> {
  const { params, log, env, signal, report, stdout } = context;
  const { record, expiresAfter, key, keyFolder, revision, sourceUrl, ...rest } = params;
  const given = { ...givenOrigin({ revision, sourceUrl }), ...params.annotations };
  const common = {
    ...rest,
    times: readTimes(params.times, '--times'),
    owner: readOwner(params.owner, '--owner'),
    ...originOf(record, given, env),
    readRevision: record !== 'none',
    labels: expiresAfter === undefined ? {} : { [expiryLabel]: readExpiry(expiresAfter, '--expires-after') },
    registries: registriesOf(params, log, signal),
    terminal: terminalOf(),
    env,
    log,
    signal,
  };
  if (key === undefined) needsKey({ '--key-folder': keyFolder });
  else refuseWithKey({ '--base': params.base, '--tags': params.tags });
  const saved = key === undefined ? undefined : await saveCache({ ...common, key, keyFolder });
  const pushed = saved ?? (await pushWorkspace(common));
  const { changes, image, digest, url, layers, size } = pushed;
  if (params.dryRun) stdout(Array.from(changes, (change) => `${lineOf(change)}\n`).join(''));
  await report({
    image,
    IMAGE_URL: url,
    IMAGE_DIGEST: digest ?? '',
    layers: String(layers),
    size: String(size),
    changedFiles: String(countFiles(changes)),
    ...(saved === undefined ? {} : { cache: saved.cache, key: saved.key }),
  });
}

/** What the image says of its origin. The Task's name is the same in each run, so that the digest is too. */
function originOf(
  record: 'none' | 'task' | 'run',
  given: Record<string, string>,
  env: NodeJS.ProcessEnv,
): { createdBy?: string; created?: string; annotations: Record<string, string> } {
  if (record === 'none') return { annotations: given };
  const task = env.SUBPIPE_PIPELINE_TASK || env.SUBPIPE_TASK;
  const by = task === undefined ? {} : { createdBy: task };
  if (record === 'task') return { ...by, annotations: given };
  const named = {
    'subpipe.dev/pipelineRun': env.SUBPIPE_PIPELINE_RUN,
    'subpipe.dev/taskRun': env.SUBPIPE_TASK_RUN,
  };
  const run = Object.entries(named).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  return { ...by, created: new Date().toISOString(), annotations: { ...Object.fromEntries(run), ...given } };
}

/** Of all but folders. */
function countFiles({ tree, places }: Changes): number {
  return places.reduce((count, place) => count + (place >= 0 && tree.snapshot.isFolder(place) ? 0 : 1), 0);
}

function lineOf(change: Change): string {
  switch (change.kind) {
    case 'put':
      return `write ${shown(change.node.path)}${change.node.type === 'folder' ? '/' : ''}`;
    case 'remove':
      return `remove ${shown(change.path)}`;
    case 'empty':
      return `empty ${shown(change.path)}/`;
    default:
      return change satisfies never;
  }
}
