import { choice, list, text, toggle, words } from '../../runtime/params.ts';
import { arrayResult, textResult } from '../../runtime/results.ts';
import { defineStep } from '../../runtime/step.ts';
import { cacheParams, registryParams, stateParams } from '../../runtime/workspace/params.ts';

export const ociWorkspacePull = defineStep({
  name: 'oci-workspace-pull',
  summary: 'Makes a workspace what OCI images say, and merges what several of them changed.',
  description:
    'The folder is replaced as a whole or not at all. A path that two sources changed differently is an error that names it, unless merge decides. ' +
    'What is there already is only checked. oci-workspace-push in the same pod then pushes what changed.',
  params: {
    folder: text('The folder to fill.', { required: true, bound: '$(workspaces.source.path)' }),
    sources: list(
      'Images to pull: repo@sha256:…, repo:tag, oci:FOLDER:TAG, or a trusted artifact oci:repo@sha256:…. Empty ones are passed over.',
      { form: 'IMAGE' },
    ),
    base: text('The image to pull where there is no source.'),
    optional: toggle('A tag that is not there is passed over: for Tasks that may have been skipped.'),
    merge: text('What to do with a path that sources changed differently: error, first, last, or ours=IMAGE.', {
      default: 'error',
    }),
    paths: words('Pull only these files and folders.', { form: 'PATH,…' }),
    owner: text('Whose the files are: self (who runs the step), keep (as in the image; needs root), or UID:GID.', {
      default: 'self',
    }),
    mode: choice(['keep', 'group'], 'With group, the group may do what the owner may.', { default: 'keep' }),
    expectEmpty: toggle(
      'Fail where the folder has files already, such as those of a sidecar, in place of removing them.',
    ),
    platform: text("Which image of an index, such as linux/arm64. Default: this machine's."),
    ...cacheParams(
      'Put the cache of this key into the folder, over what is there; sources are the repositories of caches.',
    ),
    restoreKeys: words(
      'Where there is no cache of the key: beginnings of other keys; the newest cache of the first counts.',
      {
        form: 'PREFIX,…',
      },
    ),
    ...stateParams,
    ...registryParams,
  },
  podUser: true,
  workspaces: { source: { description: 'The folder to fill.' } },
  results: {
    image: textResult('The image by its digest, where there is just one.'),
    sources: arrayResult('All images by their digests. Left out, with a warning, where the results would not fit.', {
      spare: true,
    }),
    size: textResult("Bytes of the images' layers, packed.", { spare: true }),
    files: textResult('Files and folders in the workspace; with key, those of the cache.', { spare: true }),
    cache: textResult('With key: hit, partial (a cache by restore-keys) or miss.'),
    key: textResult('With key: what it is with its hashes.'),
    matchedKey: textResult('With key: the key of the cache that was found.'),
  },

  async run(context) {
    const { pull } = await import('./work.ts');
    await pull(context);
  },
});

export type PullParams = typeof ociWorkspacePull.params;
export type PullResults = typeof ociWorkspacePull.results;
