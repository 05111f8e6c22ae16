import { indexLayer } from '../../runtime/archive/merge/layer-index.ts';
import { hasCode } from '../../runtime/errors.ts';
import { parentsOf } from '../../runtime/oci/announce.ts';
import type { Digest } from '../../runtime/oci/digest.ts';
import { isRecord } from '../../runtime/oci/manifest.ts';
import { pathsAnnotation } from '../../runtime/workspace/cover.ts';
import type { WorkspaceImage, WorkspaceLayer } from '../../runtime/workspace/image.ts';
import { revisionAnnotation } from '../../runtime/workspace/origin.ts';
import { byDigest } from '../../runtime/workspace/reference.ts';
import { readSource } from '../../runtime/workspace/source.ts';
import { imagesOf, type Reading } from './context.ts';
import { exactPath } from './json.ts';
import { sourcesOf } from './layers.ts';

/** One push, or what is known of one. */
export interface HistoryEntry {
  digest: Digest;
  /** `image`, or what an image's layers tell of one that is not there any more; `missing`: only its digest is known. */
  kind: 'image' | 'layers' | 'missing';
  /** RFC 3339, where the image tells. */
  created?: string;
  task?: string;
  pipelineRun?: string;
  taskRun?: string;
  /** The commit that the content is of. */
  revision?: string;
  /** Layers of its own, and their bytes, packed. */
  layers: number;
  size: number;
  /** What its layers say that they are about: files, or folders that stand for what is in them. Unset where unknown. */
  paths?: string[];
  /** With `files`: what it wrote and removed. */
  files?: { written: string[]; removed: string[] };
  parents: Digest[];
}

/** The pushes that a workspace was made by: children before their parents, the newest first. */
export async function historyOf(
  reference: string,
  options: { files: boolean; limit: number },
  reading: Reading,
): Promise<HistoryEntry[]> {
  const images = new Map<Digest, WorkspaceImage | undefined>();
  const heads = await imagesOf(reference, reading);
  const queue = [...heads];
  for (const head of heads) images.set(head.digest, head);
  for (let image = queue.shift(); image !== undefined; image = queue.shift()) {
    for (const digest of parentsIn(image)) {
      if (images.has(digest)) continue;
      const parent = await readParent(image, digest, reading);
      images.set(digest, parent);
      if (parent !== undefined) queue.push(parent);
    }
  }
  const order = ordered(heads, images);
  const entries: HistoryEntry[] = [];
  for (const digest of order) {
    if (entries.length >= options.limit) break;
    const image = images.get(digest);
    if (image === undefined) entries.push({ digest, kind: 'missing', layers: 0, size: 0, parents: [] });
    else entries.push(...(await entriesOf(image, images, options.files, reading)));
  }
  return entries.slice(0, options.limit);
}

function parentsIn({ manifest }: WorkspaceImage): Digest[] {
  return manifest === undefined ? [] : parentsOf(manifest);
}

/** Undefined where it is not there: taken away, or pushed to another repository. */
async function readParent(child: WorkspaceImage, digest: Digest, reading: Reading) {
  try {
    const [parent] = await readSource(byDigest({ name: child.from }, digest), reading);
    return parent;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** Each image after all that were made from it; of those that may come next, the newest. */
function ordered(heads: readonly WorkspaceImage[], images: ReadonlyMap<Digest, WorkspaceImage | undefined>): Digest[] {
  const waiting = new Map<Digest, number>();
  for (const image of images.values()) {
    for (const digest of image === undefined ? [] : parentsIn(image))
      waiting.set(digest, (waiting.get(digest) ?? 0) + 1);
  }
  const ready = heads.map(({ digest }) => digest).filter((digest) => !waiting.has(digest));
  const order: Digest[] = [];
  const time = (digest: Digest) => images.get(digest)?.config?.created ?? '';
  while (ready.length > 0) {
    // The sort is stable: where nothing tells the time, a line is followed to its end.
    ready.sort((a, b) => (time(a) < time(b) ? 1 : time(a) > time(b) ? -1 : 0));
    const digest = ready.shift();
    if (digest === undefined) break;
    order.push(digest);
    const image = images.get(digest);
    const next: Digest[] = [];
    for (const parent of image === undefined ? [] : parentsIn(image)) {
      const left = (waiting.get(parent) ?? 1) - 1;
      waiting.set(parent, left);
      if (left === 0) next.push(parent);
    }
    ready.unshift(...next);
  }
  return order;
}

/** An image's own entry; and where a parent is missing, what the layers below still tell. */
async function entriesOf(
  image: WorkspaceImage,
  images: ReadonlyMap<Digest, WorkspaceImage | undefined>,
  files: boolean,
  reading: Reading,
): Promise<HistoryEntry[]> {
  const parents = parentsIn(image);
  const known = new Set(parents.flatMap((digest) => images.get(digest)?.layers.map((l) => l.descriptor.digest) ?? []));
  const own = image.layers.filter(({ descriptor }) => !known.has(descriptor.digest));
  const hasMissing = parents.some((digest) => images.get(digest) === undefined);
  const groups = hasMissing || parents.length === 0 ? byPush(own) : [own];
  const last = groups.pop() ?? [];
  const { annotations = {} } = image.manifest?.value ?? {};
  const { history, created } = image.config ?? {};
  const task = history?.at(-1)?.created_by;
  const { 'subpipe.dev/pipelineRun': pipelineRun, 'subpipe.dev/taskRun': taskRun } = annotations;
  const revision = annotations[revisionAnnotation];
  const entry: HistoryEntry = {
    digest: image.digest,
    kind: 'image',
    ...(created === undefined ? {} : { created }),
    ...(task === undefined ? {} : { task }),
    ...(pipelineRun === undefined ? {} : { pipelineRun }),
    ...(taskRun === undefined ? {} : { taskRun }),
    ...(revision === undefined ? {} : { revision }),
    ...(await saidBy(last, files, reading)),
    parents,
  };
  const below: HistoryEntry[] = [];
  for (const layers of groups.reverse()) {
    const { created, created_by: task } = layers.at(-1)?.history.at(-1) ?? {};
    below.push({
      digest: layers.at(-1)?.descriptor.digest ?? image.digest,
      kind: 'layers',
      ...(created === undefined ? {} : { created }),
      ...(task === undefined ? {} : { task }),
      ...(await saidBy(layers, files, reading)),
      parents: [],
    });
  }
  return [entry, ...below];
}

/** Layers that one push has made have the same entry in the image's history. */
function byPush(layers: readonly WorkspaceLayer[]): WorkspaceLayer[][] {
  const groups: WorkspaceLayer[][] = [];
  let before: string | undefined;
  for (const layer of layers) {
    const { empty_layer: _empty, ...made } = layer.history.find((entry) => entry.empty_layer !== true) ?? {};
    const key = JSON.stringify(made);
    if (key === before) groups.at(-1)?.push(layer);
    else groups.push([layer]);
    before = key;
  }
  return groups;
}

async function saidBy(layers: readonly WorkspaceLayer[], files: boolean, reading: Reading) {
  const paths = new Set<string>();
  let isKnown = true;
  for (const { descriptor } of layers) {
    const list = listIn(descriptor.annotations?.[pathsAnnotation]);
    if (list === undefined) isKnown = false;
    else for (const path of list) paths.add(path);
  }
  return {
    layers: layers.length,
    size: layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
    ...(isKnown ? { paths: [...paths].sort() } : {}),
    ...(files ? { files: await filesIn(layers, reading) } : {}),
  };
}

async function filesIn(
  layers: readonly WorkspaceLayer[],
  reading: Reading,
): Promise<NonNullable<HistoryEntry['files']>> {
  const written: string[] = [];
  const removed: string[] = [];
  for (const layer of sourcesOf(layers, reading)) {
    const index = await indexLayer(layer, { signal: reading.signal });
    for (const [path, { header }] of index.puts) if (header.type !== 'folder') written.push(exactPath(path));
    for (const path of index.removed) removed.push(exactPath(path));
    for (const path of index.emptied) removed.push(`${exactPath(path)}/*`);
  }
  return { written: written.sort(), removed: removed.sort() };
}

function listIn(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value) || !Array.isArray(value)) return undefined;
    return value.filter((item): item is string => typeof item === 'string');
  } catch {
    return undefined;
  }
}
