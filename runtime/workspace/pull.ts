import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Extracted, extractLayers } from '../archive/extract/extract.ts';
import { repairFolder, replaceFolder } from '../archive/extract/replace.ts';
import type { MergePolicy } from '../archive/merge/decide.ts';
import { type MergePlan, type MergeSource, planMerge } from '../archive/merge/merge.ts';
import { type BytePath, shown } from '../archive/path.ts';
import { looksMoved } from '../archive/tree/looks.ts';
import { type ScanOptions, scanTree } from '../archive/tree/scan.ts';
import { foldersAbove, selectPaths, wantedPath } from '../archive/tree/select.ts';
import { Snapshot } from '../archive/tree/snapshot.ts';
import { StateDraft } from '../archive/tree/state.ts';
import type { Tree } from '../archive/tree/tree.ts';
import { invalid } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Platform } from '../oci/manifest.ts';
import { isNeeded } from './cover.ts';
import { shownExtraction } from './extraction.ts';
import { isBase, type WorkspaceImage, type WorkspaceLayer } from './image.ts';
import { keptLayers } from './kept-layer.ts';
import { layerFinder, layerName, layerOpener, sourceLayer } from './layer-source.ts';
import { type Basis, checkMemory, forget, knowsMuch, memoryFile, recall, remember } from './memory.ts';
import type { WorkspaceOptions } from './options.ts';
import { formatBytes } from './progress.ts';
import type { Registries } from './reference.ts';
import { readSource, withoutAncestors } from './source.ts';
import { tarSizeOf } from './weight.ts';

/** The folder is replaced by what the sources have, and made where it is not there. */
export interface PullOptions extends WorkspaceOptions {
  /** References, see `readReference`. Empty ones are passed over. */
  sources: readonly string[];
  /** Pulled where no source is there. */
  base?: string | undefined;
  /** A tag that is not there is passed over. */
  optional?: boolean;
  /** What to do where sources changed the same path differently. `ours` names a source as it is given, or by digest. */
  merge?: MergePolicy | undefined;
  /** Only these files and folders. Default: all. */
  paths?: readonly string[] | undefined;
  /** The folder must have no files yet: they would be removed. Default: what is there is replaced. */
  expectEmpty?: boolean | undefined;
  /** Default `self`: whoever runs this. */
  owner?: 'self' | 'keep' | { uid: number; gid: number } | undefined;
  /** Default `keep`. */
  mode?: 'keep' | 'group' | undefined;
  platform?: Platform | undefined;
}

export interface Pulled {
  /** By digest, in the order of the sources. Empty where there was nothing to pull: then the folder is as it was. */
  images: string[];
  /** Bytes of the layers, packed. */
  size: number;
  /** Things in the folder. */
  files: number;
  /** The folder had all of it already; nothing was downloaded. */
  unchanged: boolean;
}

/**
 * Makes a folder what images say, and remembers it for a push. All or nothing: a failure leaves the folder as it was.
 * What several sources changed is merged three ways by path.
 *
 * @throws SubpipeError `CONFLICT` naming the paths that sources changed differently; `NOT_FOUND`, `FORBIDDEN` and the
 * like of the registry; `FAILED` for images that are damaged or hostile.
 */
export async function pullWorkspace(options: PullOptions): Promise<Pulled> {
  const { log, signal, registries = {} } = options;
  const folder = resolve(options.folder);
  const file = memoryFile(folder, options);
  const select = selectPaths(options.paths ?? []);
  if (repairFolder(folder)) log.warn(`an earlier pull into ${folder} was cut off: what was there before is back`);
  const images = await sourcesOf(options, registries);
  if (images.length === 0) {
    forget(file);
    log.info('there is nothing to pull: the folder is as it was');
    return { images: [], size: 0, files: 0, unchanged: true };
  }
  const names = images.map(({ name }) => name);
  const request = requestOf(options, names);
  const known = recall(file);
  if (known?.request === request) {
    const tree = await scanIfThere(folder, { isLarge: knowsMuch(file), signal });
    if (tree !== undefined && known.snapshot.isOf(tree.snapshot)) {
      log.info(`${folder} has ${names.join(', ')} already`);
      return { images: names, size: sizeOf(images), files: tree.paths.length, unchanged: true };
    }
  }
  checkMemory(file);
  const open = layerOpener(registries);
  const isShared = sharedBy(images);
  const keep = keptLayers();
  const sources = images.map(
    ({ name, layers, lineage }): MergeSource => ({
      name,
      // What all have is read once, or never.
      layers: layers.map((layer) => (isShared(layer) ? sourceLayer(layer, open) : keep(sourceLayer(layer, open)))),
      lineage,
    }),
  );
  const sizes = new Map(
    images.flatMap((image) => image.layers.map((layer) => [layerName(layer), tarSizeOf(layer) ?? Number.NaN])),
  );
  // Also what is not asked for must be no conflict: a push after this stands for all of the images.
  const plan = await planMerge(sources, {
    policy: policyFor(options, images),
    find: layerFinder(images, open, signal),
    signal,
  });
  const stages = plan.stages.filter(({ layer }) => !isLeftOut(layer.name, images, options.paths ?? []));
  for (const path of plan.decided.slice(0, 20)) log.warn(`${shown(path)} was changed differently: --merge decided`);
  const total = stages.reduce((sum, { layer }) => sum + (sizes.get(layer.name) ?? Number.NaN), 0);
  const { progress, extract } = shownExtraction('pulling', total, select, options);
  const partial = select !== undefined;
  const basis = basisOf(images, plan, partial);
  const stacked = basis === 'layers' && plan.decided.length > 0 ? await plan.stacked() : undefined;
  let done: Extracted;
  try {
    const how = options.expectEmpty === true ? 'empty' : 'all';
    done = await replaceFolder(
      folder,
      async (into) => {
        const above = foldersAbove(options.paths ?? []);
        const extracted = await extractLayers(stages, into, { ...extract, above, looks: true }, plan.gone);
        // From here on it is no longer what the memory says. Until then a failure leaves that too as it was.
        forget(file);
        return extracted;
      },
      how,
    );
  } catch (error) {
    progress.end();
    throw error;
  }
  const seenBefore = done.looks && looksMoved(folder, done.looks);
  const now = seenBefore ?? (await scanTree(folder, { signal })).snapshot;
  const seen = basis === 'layers' ? asStacked(now, amissIn(now, plan, stacked)) : now;
  await using draft = new StateDraft(file, seen);
  await remember(draft, { basis, images, partial, paths: options.paths, request }, signal);
  hintGit(folder, log);
  for (const path of options.paths ?? []) {
    if (now.placeOf(wantedPath(path)) < 0) log.warn(`paths: there is no ${path} in what is pulled`);
  }
  const what = `${now.size} files and folders, ${formatBytes(done.bytes)}`;
  log.info(`pulled ${names.join(', ')}: ${what}, ${progress.end()}`);
  return { images: names, size: sizeOf(images), files: now.size, unchanged: false };
}

/** Whether all images have a layer. */
function sharedBy(images: readonly WorkspaceImage[]): (layer: WorkspaceLayer) => boolean {
  const digests = images.map(({ layers }) => new Set(layers.map(({ descriptor }) => descriptor.digest)));
  return ({ descriptor }) => digests.every((there) => there.has(descriptor.digest));
}

/** Whether a layer has nothing of these paths. */
function isLeftOut(name: string, images: readonly WorkspaceImage[], paths: readonly string[]): boolean {
  if (paths.length === 0) return false;
  const layer = images.flatMap(({ layers }) => layers).find((one) => layerName(one) === name);
  return layer !== undefined && !isNeeded(layer, paths);
}

function basisOf(images: readonly WorkspaceImage[], plan: MergePlan, partial: boolean): Basis {
  // Of the others' layers, one would have to know what is wrong with them in paths that were not asked for.
  if (partial && (plan.decided.length + plan.amiss.length > 0 || !plan.isStackable)) return 'unknown';
  if (!plan.isStackable || !images.every(isBase)) return 'whole';
  return 'layers';
}

/**
 * Where the images' layers, one over the other, do not give what is in the folder. Where a policy has decided, a file may
 * have hidden what only the layers below have: then all paths are compared.
 */
function amissIn(now: Snapshot, { amiss }: MergePlan, stacked: ReadonlySet<BytePath> | undefined): BytePath[] {
  if (stacked === undefined) return amiss;
  const there = new Set(now.paths);
  const hidden = [...stacked].filter((path) => !there.has(path));
  const extra = now.paths.filter((path) => !stacked.has(path));
  return [...new Set([...amiss, ...hidden, ...extra])];
}

/** The folder as the images' layers, one over the other, would make it: what differs is for the next push to say. */
function asStacked(now: Snapshot, amiss: readonly BytePath[]): Snapshot {
  if (amiss.length === 0) return now;
  const wrong = new Set(amiss);
  const there = new Set(now.paths);
  const never = { type: 'file', mode: 0, uid: 0, gid: 0, size: 0, mtimeMs: 0, ctimeMs: 0, ino: 0 } as const;
  const extra = amiss.filter((path) => !there.has(path)).map((path) => ({ path, ...never }));
  return Snapshot.of([...now.nodes().filter(({ path }) => !wrong.has(path)), ...extra]);
}

async function sourcesOf(options: PullOptions, registries: Registries): Promise<WorkspaceImage[]> {
  const { log, signal, platform, optional, base } = options;
  const given = [...new Set(options.sources.map((source) => source.trim()).filter((source) => source !== ''))];
  const common = { registries, platform, log, signal };
  const found = await Promise.all(given.map((source) => readSource(source, { ...common, optional })));
  found.forEach((images, i) => {
    if (images.length === 0) log.info(`${given[i]} is not there: passed over`);
  });
  const images = withoutAncestors(found.flat());
  if (images.length > 0 || base === undefined) return images;
  return withoutAncestors(await readSource(base, common));
}

/** All images of a source count: of a tag, what was pushed to it side by side. */
function policyFor({ merge, sources }: PullOptions, images: readonly WorkspaceImage[]): MergePolicy {
  if (typeof merge !== 'object') return merge ?? 'error';
  const wanted = [merge.ours].flat().map((text) => text.trim());
  const ours = images.filter(({ given, name, digest }) => [given, name, digest].some((one) => wanted.includes(one)));
  // One that is not there, or that another was made from, has changed nothing.
  if (ours.length > 0 || sources.some((source) => wanted.includes(source.trim()))) {
    return { ours: ours.map(({ name }) => name) };
  }
  const names = images.map(({ given }) => given).join(', ');
  throw invalid(`--merge=ours=${wanted.join()} names none of the sources: expected one of ${names}`);
}

/** What makes two pulls the same. */
function requestOf(options: PullOptions, names: readonly string[]): string {
  const { paths = [], owner = 'self', mode = 'keep', merge = 'error' } = options;
  return createHash('sha256').update(JSON.stringify({ names, paths, owner, mode, merge })).digest('hex');
}

async function scanIfThere(folder: string, options: ScanOptions): Promise<Tree | undefined> {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
  return scanTree(folder, options);
}

function sizeOf(images: readonly WorkspaceImage[]): number {
  const layers = images.flatMap((image) => image.layers.map(({ descriptor }) => descriptor));
  return [...new Map(layers.map(({ digest, size }) => [digest, size])).values()].reduce((sum, size) => sum + size, 0);
}

/** Git refuses repositories of other users (git-config(1), safe.directory), and Tasks mix users. */
function hintGit(folder: string, log: Log): void {
  if (lstatSync(`${folder}/.git`, { throwIfNoEntry: false }) === undefined) return;
  log.info(`a step of another user lets git in by: git config --global --add safe.directory ${folder}`);
}
