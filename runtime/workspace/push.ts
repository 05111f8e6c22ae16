import { resolve } from 'node:path';
import type { Compression } from '../archive/layer/compression.ts';
import { shown } from '../archive/path.ts';
import type { Changes } from '../archive/tree/changes.ts';
import { scanTree } from '../archive/tree/scan.ts';
import { StateDraft } from '../archive/tree/state.ts';
import type { Tree } from '../archive/tree/tree.ts';
import { invalid, type SubpipeError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import type { StoredManifest } from '../oci/manifest.ts';
import { isTag } from '../oci/name.ts';
import { counted } from '../words.ts';
import { type Baseline, baselineOf, whole } from './baseline.ts';
import { bringLayers } from './bring.ts';
import { expiryIn, expiryLabel } from './compose.ts';
import { type Form, firstForm, simplerForm } from './form.ts';
import { imageOf, type WorkspaceImage } from './image.ts';
import { knowsMuch, memoryFile, remember } from './memory.ts';
import { nameAgain, nameImage } from './naming.ts';
import type { ImageOptions, WorkspaceOptions } from './options.ts';
import { foundOrigin } from './origin.ts';
import { formatBytes, Progress } from './progress.ts';
import { byDigest, namesIn, openPlace, type Place } from './reference.ts';
import { type Sent, sendImage } from './send.ts';
import { weightOf } from './weight.ts';

export interface PushOptions extends WorkspaceOptions, ImageOptions {
  /** `REPO[:TAG]` or `oci:FOLDER[:TAG]`; a layout folder is made where there is none. */
  target: string;
  /** More tags that the image gets. */
  tags?: readonly string[] | undefined;
  /** What the change is against where nothing is remembered of a pull. */
  base?: string | undefined;
  /** Default zstd, and gzip where the registry refuses it. */
  compression?: Compression['kind'] | undefined;
  /** An artifact of OCI 1.1 in place of an image; an image where the registry refuses it. */
  artifact?: boolean;
  /** gitignore patterns. With any, the image has what matches and nothing else, and is made from no other. */
  include?: readonly string[] | undefined;
  exclude?: readonly string[] | undefined;
  /** Whether the image says which commit the folder's `.git` has checked out, see `foundOrigin`. Default false. */
  readRevision?: boolean;
  /** An image with more layers is made anew, of all that is in the folder. Default 64. */
  maxLayers?: number | undefined;
  /** Keep all of what is pushed to the tag side by side. Default true. */
  announce?: boolean;
  /** Nothing is sent; `changes` tells what would be. */
  dryRun?: boolean;
}

export interface Pushed {
  /** By digest: `repo@sha256:…`. Empty after a dry run of something that changed. */
  image: string;
  digest: Digest | undefined;
  /** `repo:tag` of the target. */
  url: string;
  /** Of the image; after a dry run of something that changed, those that stay. */
  layers: number;
  /** Bytes of the new layers, packed. */
  size: number;
  /** What the new layers say. Empty when nothing changed. */
  changes: Changes;
}

/**
 * Pushes what changed in a folder since it was pulled as one more layer, or several where it is much. Nothing changed:
 * no layer, and the same digest. It can be done again and does no harm.
 *
 * @throws SubpipeError `INVALID` for a target or tags that are none; `FAILED` when something changes while it is read; the
 * registry's own.
 */
export async function pushWorkspace(options: PushOptions): Promise<Pushed> {
  const { log, signal, registries = {}, include = [], exclude = [], dryRun = false } = options;
  const folder = resolve(options.folder);
  const named = namesIn(options.target);
  if (named.digest !== undefined) throw noDigest(options.target);
  checkTags(options.tags ?? []);
  const memory = memoryFile(folder, options);
  const isLarge = knowsMuch(memory);
  // What is known has most likely changed a little, which one thread packs.
  const tree = await scanTree(folder, { include, exclude, isLarge, threads: isLarge ? 1 : 2, signal });
  for (const { path, what } of tree.skipped) log.warn(`${shown(path)} is ${what}: left out`);
  const { base, maxLayers = 64 } = options;
  const baseline =
    include.length > 0 ? whole(tree, []) : await baselineOf(tree, { memory, base, maxLayers, registries, log, signal });
  const url = named.tag === undefined ? named.name : `${named.name}:${named.tag}`;
  const { changes, below, parents } = baseline;
  const [only] = parents;
  const same = only !== undefined && parents.length === 1 && below.length > 0 && changes.length === 0;
  const digest = same ? only.digest : undefined;
  const there = { image: digest === undefined ? '' : byDigest(named, digest), digest, url, layers: below.length };
  if (same) {
    log.info(`nothing changed: ${there.image}`);
    const said = expiryIn(only) ?? 'unset';
    const { [expiryLabel]: asked = 'unset' } = options.labels ?? {};
    if (said !== asked) log.warn(`it is the same image, so its label ${expiryLabel} is ${said}, not ${asked}`);
  }
  if (dryRun) return { ...there, size: 0, changes };
  const place = await openPlace(options.target, registries, { create: true });
  if (same) {
    await bringImage(only, place, options);
    return { ...there, size: 0, changes };
  }
  const name = async (manifest: StoredManifest): Promise<void> => {
    // What cannot be remembered is told before anybody sees the image.
    await draft?.written;
    await nameImage(place, manifest, namingOf(options));
  };
  const annotations = { ...(options.readRevision === true ? foundOrigin(tree) : {}), ...options.annotations };
  const sending = sendSimpler(place, tree, baseline, { ...options, annotations }, name);
  // Written while the layers are sent.
  await using draft = include.length > 0 ? undefined : new StateDraft(memory, tree.snapshot);
  const { sent, image } = await sending;
  const partial = baseline.isPart === true;
  const about = { partial, paths: baseline.paths, request: '' };
  if (draft !== undefined) await remember(draft, { basis: 'layers', images: [image], ...about }, signal);
  return {
    image: byDigest(place, image.digest),
    digest: image.digest,
    url,
    layers: image.layers.length,
    size: sent.size,
    changes: sent.changes,
  };
}

/** Before anything is sent: no registry takes them, and each says so in other words. */
function checkTags(tags: readonly string[]): void {
  const wrong = tags.find((tag) => !isTag(tag));
  if (wrong === undefined) return;
  const expected = 'expected at most 128 letters, digits, ".", "_" and "-", the first no "." or "-"';
  throw invalid(`--tags has ${JSON.stringify(wrong)}, which is no tag: ${expected}`);
}

function noDigest(target: string): SubpipeError {
  return invalid(`--target is ${target}: expected REPO:TAG or oci:FOLDER:TAG, as the digest is what a push gives`);
}

/** Sends the image as it is wished, and as the registry takes it where it refuses that. `name` writes its manifest. */
export async function sendSimpler(
  place: Place,
  tree: Tree,
  baseline: Baseline,
  options: Omit<PushOptions, 'folder' | 'env'>,
  name: (manifest: StoredManifest) => Promise<void>,
): Promise<{ sent: Sent; image: WorkspaceImage }> {
  const { log, signal, terminal } = options;
  let form: Form = firstForm(options);
  let from = baseline;
  for (;;) {
    const { changes } = from;
    const total = weightOf(changes);
    const progress = new Progress({ log, doing: 'pushing', total, files: changes.length, terminal });
    try {
      const sent = await sendImage(place, tree, from, form, {
        ...options,
        registries: options.registries ?? {},
        progress,
      });
      await name(sent.manifest);
      const image = imageOf(options.target, place.name, sent.manifest, sent.configBytes);
      const [changed, layers] = [counted(sent.changes.length, 'change'), counted(sent.layers, 'new layer')];
      const what = `${changed}, ${formatBytes(sent.size)} in ${layers}`;
      log.info(`pushed ${image.name}: ${what}, ${progress.end()}`);
      return { sent, image };
    } catch (error) {
      progress.end();
      const next = signal?.aborted === true ? undefined : simplerForm(form, from, tree, error);
      if (next === undefined) throw error;
      log.warn(`${place.name} refuses ${next.refused}: ${next.instead}`);
      ({ form, baseline: from } = next);
    }
  }
}

/** The image that nothing changed in, in the place where it is to be. */
async function bringImage(image: WorkspaceImage, place: Place, options: PushOptions): Promise<void> {
  const { signal, registries = {} } = options;
  const { manifest } = image;
  if (manifest?.kind !== 'image') throw new Error('unreachable: layers stay of images only');
  const naming = namingOf(options);
  if (image.from === place.name) return nameAgain(place, manifest, naming);
  await bringLayers(image.layers, place, registries, signal);
  await bringConfig(image, manifest, place, options);
  await nameImage(place, manifest, naming);
}

async function bringConfig(
  image: WorkspaceImage,
  manifest: StoredManifest & { kind: 'image' },
  place: Place,
  { registries = {}, signal }: PushOptions,
): Promise<void> {
  const { target } = await openPlace(image.from, registries);
  const { config } = manifest.value;
  await place.target.writeBlob(config, () => target.readBlob(config, { signal }), { signal });
}

function namingOf({ tags = [], announce = true, signal }: PushOptions) {
  return { tags, announce, signal };
}
