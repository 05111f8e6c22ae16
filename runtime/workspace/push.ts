import { resolve } from 'node:path';
import { changesFromBase } from '../archive/base.ts';
import { allOf, type Change, changesSince } from '../archive/changes.ts';
import type { Compression } from '../archive/compression.ts';
import { indexLayer, stackIndexes } from '../archive/layer-index.ts';
import { shown } from '../archive/path.ts';
import { scanTree, type Tree } from '../archive/scan.ts';
import type { Times } from '../archive/write-tree.ts';
import { invalid } from '../errors.ts';
import type { Log } from '../log.ts';
import { announce, announcementTag } from '../oci/announce.ts';
import type { Digest } from '../oci/digest.ts';
import type { StoredManifest } from '../oci/manifest.ts';
import { bringLayers } from './bring.ts';
import { composeWorkspace } from './compose.ts';
import type { WorkspaceImage, WorkspaceLayer } from './image.ts';
import { memoryFile, recall, remember } from './memory.ts';
import { byDigest, isAbsent, openPlace, type Place, type Registries } from './reference.ts';
import { sendChanges } from './send.ts';
import { readSource, withoutAncestors } from './source.ts';
import { stackLayers } from './stack.ts';

export interface PushOptions {
  folder: string;
  /** `REPO[:TAG]` or `oci:FOLDER[:TAG]`; a layout folder is made where there is none. */
  target: string;
  /** More tags that the image gets. */
  tags?: readonly string[] | undefined;
  /** What the change is against where nothing is remembered of a pull. */
  base?: string | undefined;
  /** Default zstd. */
  compression?: Compression['kind'] | undefined;
  /** An artifact of OCI 1.1 in place of an image. */
  artifact?: boolean;
  include?: readonly string[] | undefined;
  exclude?: readonly string[] | undefined;
  times?: Times | undefined;
  /** Whose the files are in the image. Default 0:0, so that the user who pushes makes no difference. */
  owner?: 'keep' | { uid: number; gid: number } | undefined;
  labels?: Record<string, string> | undefined;
  annotations?: Record<string, string> | undefined;
  /** RFC 3339. Default: the image does not tell when it was made. */
  created?: string | undefined;
  /** What the history says has made the layer. */
  createdBy?: string | undefined;
  /** An image with more layers is made anew, as one of a few. Default 64. */
  maxLayers?: number | undefined;
  /** Keep all of what is pushed to the tag side by side. Default true. */
  announce?: boolean;
  /** Nothing is sent; `changes` tells what would be. */
  dryRun?: boolean;
  /** See `memoryFile`. */
  name?: string | undefined;
  stateFolder?: string | undefined;
  registries?: Registries;
  env: NodeJS.ProcessEnv;
  log: Log;
  signal?: AbortSignal | undefined;
}

export interface Pushed {
  /** By digest: `repo@sha256:…`. Empty after a dry run of something that changed. */
  image: string;
  digest: Digest | undefined;
  /** `repo:tag` of the target. */
  url: string;
  /** Of the image. */
  layers: number;
  /** Bytes of the new layers, packed. */
  size: number;
  changes: readonly Change[];
}

/** What a push without a tag is called for itself: what has no tag, registries collect. */
const ownTag = 'workspace';

/**
 * Pushes what changed in a folder since it was pulled as one more layer. Nothing changed: no layer, and the same digest.
 *
 * @throws SubpipeError `INVALID` for a target that is none; `FAILED` when something changes while it is read; the
 * registry's own.
 */
export async function pushWorkspace(options: PushOptions): Promise<Pushed> {
  const { log, signal, registries = {} } = options;
  const folder = resolve(options.folder);
  const place = await openTarget(options.target, registries);
  const file = memoryFile(folder, options);
  const tree = await scanTree(folder, { include: options.include ?? [], exclude: options.exclude ?? [], signal });
  for (const { path, what } of tree.skipped) log.warn(`${shown(path)} is ${what}: left out`);
  const { images, changes } = await changesOf(options, file, tree);
  const url = place.tag === undefined ? place.name : `${place.name}:${place.tag}`;
  const [only] = images;
  if (only?.manifest?.kind === 'image' && images.length === 1 && changes.length === 0) {
    if (options.dryRun !== true) await bringImage(only, only.manifest, place, options);
    log.info(`nothing changed: ${byDigest(place, only.digest)}`);
    return {
      image: byDigest(place, only.digest),
      digest: only.digest,
      url,
      layers: only.layers.length,
      size: 0,
      changes,
    };
  }
  if (options.dryRun === true) return { image: '', digest: undefined, url, layers: 0, size: 0, changes };
  const compression: Compression = { kind: options.compression ?? 'zstd' };
  const below = stackLayers(images);
  const sent = await sendChanges(place.target, tree, changes, {
    compression,
    times: options.times ?? 'nanoseconds',
    owner: options.owner === 'keep' ? undefined : (options.owner ?? { uid: 0, gid: 0 }),
    signal,
  });
  await bringLayers(below, place, registries, signal);
  const history = [{ ...(options.createdBy === undefined ? {} : { created_by: options.createdBy }) }];
  const layers: WorkspaceLayer[] = [
    ...below,
    ...sent.map(({ descriptor, diffId }) => ({ descriptor, diffId, from: place.name, history })),
  ];
  const manifest = await composeWorkspace(
    place.target,
    {
      layers,
      parents: images,
      created: options.created,
      labels: options.labels ?? {},
      annotations: options.annotations ?? {},
      artifact: options.artifact === true,
    },
    signal,
  );
  await nameIt(place, manifest, options);
  const { digest } = manifest.descriptor;
  const size = sent.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  log.info(`pushed ${byDigest(place, digest)}: ${changes.length} changes, ${size} bytes`);
  if (manifest.kind === 'image') {
    const [image] = await readSource(byDigest(place, digest), { registries, log, signal });
    if (image !== undefined) await remember(file, tree, { images: [image], partial: false, request: '' }, signal);
  }
  return { image: byDigest(place, digest), digest, url, layers: layers.length, size, changes };
}

async function openTarget(text: string, registries: Registries): Promise<Place> {
  const place = await openPlace(text, registries, { create: true });
  if (place.digest === undefined) return place;
  throw invalid(`--target is ${text}: expected REPO:TAG or oci:FOLDER:TAG, as the digest is what a push gives`);
}

/** What changed, and against which images. */
async function changesOf(
  options: PushOptions,
  file: string,
  tree: Tree,
): Promise<{ images: readonly WorkspaceImage[]; changes: Change[] }> {
  const { log, signal, registries = {} } = options;
  const known = await recall(file);
  const { images: pulled = [] } = known ?? {};
  if (known !== undefined && pulled.length > 0 && pulled.every(({ config }) => config !== undefined)) {
    return { images: pulled, changes: changesSince(known.state, tree) };
  }
  if (options.base === undefined) return { images: [], changes: allOf(tree) };
  const images = withoutAncestors(await readSource(options.base, { registries, log, signal })).slice(0, 1);
  const [base] = images;
  if (base?.config === undefined) return { images: [], changes: allOf(tree) };
  const indexes = [];
  for (const { descriptor, diffId, from } of base.layers) {
    const { target } = await openPlace(from, registries);
    const open = () => target.readBlob(descriptor, { signal });
    indexes.push(await indexLayer({ name: descriptor.digest, size: descriptor.size, diffId, open }, { signal }));
  }
  return { images, changes: changesFromBase(stackIndexes(indexes), tree) };
}

/** The image that nothing changed in, in the place where it is to be. */
async function bringImage(
  image: WorkspaceImage,
  manifest: StoredManifest & { kind: 'image' },
  place: Place,
  options: PushOptions,
): Promise<void> {
  const { signal, registries = {} } = options;
  if (image.from !== place.name) {
    const { target } = await openPlace(image.from, registries);
    await bringLayers(image.layers, place, registries, signal);
    const { config } = manifest.value;
    await place.target.writeBlob(config, () => target.readBlob(config, { signal }), { signal });
    await nameIt(place, manifest, options);
    return;
  }
  // A tag that has gone on to what was made of this image stays where it is.
  const tags = [place.tag ?? announcementTag(ownTag, image.digest), ...(options.tags ?? [])];
  for (const tag of tags)
    if (!(await isThere(place, tag, signal))) await place.target.writeManifest(manifest, tag, { signal });
}

async function isThere({ target }: Place, tag: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await target.readManifest(tag, { signal, fresh: true });
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

async function nameIt({ target, tag }: Place, manifest: StoredManifest, options: PushOptions): Promise<void> {
  const { signal } = options;
  if (tag === undefined)
    await target.writeManifest(manifest, announcementTag(ownTag, manifest.descriptor.digest), { signal });
  else if (options.announce === false) await target.writeManifest(manifest, tag, { signal });
  else await announce(target, tag, manifest, { signal });
  for (const more of options.tags ?? []) await target.writeManifest(manifest, more, { signal });
}
