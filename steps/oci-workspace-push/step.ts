import { choice, integer, text, textMap, toggle, words } from '../../runtime/params.ts';
import { textResult } from '../../runtime/results.ts';
import { defineStep } from '../../runtime/step.ts';
import { workspaceFields } from '../../runtime/workspace/fields.ts';
import { cacheParams, registryParams, stateParams } from '../../runtime/workspace/params.ts';

export const ociWorkspacePush = defineStep({
  name: 'oci-workspace-push',
  summary: 'Pushes what changed in a workspace as a layer of an OCI image, and returns its digest.',
  description:
    'What changed since oci-workspace-pull, or since base, becomes one new layer; without either, all of the folder is pushed. ' +
    'Nothing changed: no new layer, and the same digest. The same content has the same digest, whoever pushes it and when.',
  params: {
    folder: text('The folder to push.', { required: true, bound: '$(workspaces.source.path)' }),
    target: text(
      'Where to push: REPO, REPO:TAG, or oci:FOLDER:TAG for a layout folder. Without a tag it gets one by its digest, workspace.xxxx.',
      {
        required: true,
      },
    ),
    tags: words('More tags that the image gets.', { form: 'TAG,…' }),
    base: text('The image that the change is against, where the workspace was not pulled.'),
    ...stateParams,
    compression: choice(
      ['zstd', 'gzip', 'none'],
      'How new layers are packed. Default: zstd, or gzip where the registry refuses zstd.',
    ),
    artifact: toggle('Push a plain OCI 1.1 artifact, which container engines do not run.'),
    include: words('Push only files that match these gitignore patterns.', { form: 'PATTERN,…' }),
    exclude: words('Leave out what matches these gitignore patterns, as what .ociignore has.', { form: 'PATTERN,…' }),
    times: text(
      'Times of files: nanoseconds, seconds, or none later than these seconds since 1970 (SOURCE_DATE_EPOCH).',
      {
        default: 'nanoseconds',
      },
    ),
    owner: text('Whose the files are in the image: keep, or UID:GID.', { default: '0:0' }),
    expiresAfter: text('How long Quay keeps the image, such as 2w: the label quay.expires-after.'),
    annotations: textMap('Annotations of the image, as YAML.'),
    revision: text(
      "The commit that the content is of. Default, but with record none: what HEAD of the folder's .git says, where that is pushed too.",
    ),
    sourceUrl: text('Where the source of the content is: the annotation org.opencontainers.image.source.'),
    record: choice(
      ['none', 'task', 'run'],
      "What the image says of its origin: nothing, the Task's name, or also the run and the time, which make each digest another.",
      { default: 'task' },
    ),
    maxLayers: integer('An image with more layers is made anew from all of the folder.', {
      min: 1,
      max: 127,
      default: '64',
    }),
    announce: toggle('Keep all of what is pushed to the tag side by side, until a pull merges it.', {
      default: 'true',
    }),
    ...cacheParams('Save a cache under this key, unless there is one; target is a repository without a tag.'),
    dryRun: toggle('List what would be in the layer, and push nothing.'),
    ...registryParams,
  },
  podUser: true,
  workspaces: { source: { description: 'The folder to push.' } },
  results: {
    image: textResult('The image by its digest: what to give to oci-workspace-pull.'),
    IMAGE_URL: textResult('The repository and tag, as Tekton Chains reads it.'),
    IMAGE_DIGEST: textResult('The digest, as Tekton Chains reads it.'),
    layers: textResult('Layers of the image.', { spare: true }),
    size: textResult('Bytes of the new layers, packed.', { spare: true }),
    changedFiles: textResult('Files that were written or removed.', { spare: true }),
    cache: textResult('With key: saved, there (a cache of this key was there already) or empty (nothing to save).'),
    key: textResult('With key: what it is with its hashes.'),
  },
  podFields: workspaceFields,

  async run(context) {
    const { push } = await import('./work.ts');
    await push(context);
  },
});

export type PushParams = typeof ociWorkspacePush.params;
export type PushResults = typeof ociWorkspacePush.results;
