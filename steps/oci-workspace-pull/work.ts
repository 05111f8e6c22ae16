import type { StepContext } from '../../runtime/step.ts';
import { withAccessHint } from '../../runtime/workspace/access.ts';
import { needsKey, refuseWithKey } from '../../runtime/workspace/cache/flags.ts';
import { restoreCache } from '../../runtime/workspace/cache/restore.ts';
import { registriesOf } from '../../runtime/workspace/params.ts';
import { pullWorkspace } from '../../runtime/workspace/pull.ts';
import { terminalOf } from '../../runtime/workspace/terminal.ts';
import { readMerge, readOwner, readPlatform } from '../../runtime/workspace/values.ts';
import type { PullParams, PullResults } from './step.ts';

/** Pulls, as the step's flags say. */
export async function pull(context: StepContext<PullParams, PullResults>): Promise<void> {
  try {
    await fill(context);
  } catch (error) {
    throw withAccessHint(error, context.params.folder);
  }
}

async function fill({ params, log, env, signal, report }: StepContext<PullParams, PullResults>): Promise<void> {
  const { folder, sources, base, optional, paths, mode, name, stateFolder } = params;
  const { key, keyFolder, restoreKeys, expectEmpty } = params;
  const common = {
    folder,
    sources,
    paths,
    owner: params.owner === 'self' ? ('self' as const) : readOwner(params.owner, '--owner', 'self, keep'),
    mode,
    name,
    stateFolder,
    registries: registriesOf(params, log, signal),
    terminal: terminalOf(),
    env,
    log,
    signal,
  };
  if (key !== undefined) {
    refuseWithKey({ '--base': base });
    const { image, size, files, ...rest } = await restoreCache({ ...common, key, keyFolder, restoreKeys });
    const images = image === '' ? [] : [image];
    await report({ image, sources: images, size: String(size), files: String(files), ...rest });
    return;
  }
  needsKey({ '--restore-keys': restoreKeys, '--key-folder': keyFolder });
  const pulled = await pullWorkspace({
    ...common,
    base,
    optional,
    expectEmpty,
    merge: readMerge(params.merge, '--merge'),
    platform: params.platform === undefined ? undefined : readPlatform(params.platform, '--platform'),
  });
  const { images, size, files } = pulled;
  const [only] = images;
  await report({
    image: images.length === 1 && only !== undefined ? only : '',
    sources: images,
    size: String(size),
    files: String(files),
  });
}
