import type { StepContext } from '../../runtime/step.ts';
import { pullWorkspace } from '../../runtime/workspace/pull.ts';
import { terminalOf } from '../../runtime/workspace/terminal.ts';
import { readMerge, readOwner, readPlatform } from '../../runtime/workspace/values.ts';
import type { PullParams, PullResults } from './step.ts';

/** Pulls, as the step's flags say. */
export async function pull({ params, log, env, signal, report }: StepContext<PullParams, PullResults>): Promise<void> {
  const { folder, sources, base, optional, paths, mode, name, stateFolder, insecure, caFile } = params;
  const pulled = await pullWorkspace({
    folder,
    sources,
    base,
    optional,
    merge: readMerge(params.merge, '--merge'),
    paths,
    owner: params.owner === 'self' ? 'self' : readOwner(params.owner, '--owner', 'self, keep'),
    mode,
    platform: params.platform === undefined ? undefined : readPlatform(params.platform, '--platform'),
    name,
    stateFolder,
    registries: { insecure, ...(caFile === undefined ? {} : { caFile }), warn: (sentence) => log.warn(sentence) },
    terminal: terminalOf(),
    env,
    log,
    signal,
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
