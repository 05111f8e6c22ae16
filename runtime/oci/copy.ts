import { type Descriptor, manifestLimit, type StoredManifest } from './manifest.ts';
import type { Arrival, Options, Target } from './target.ts';

export interface CopyOptions extends Options {
  /** The name it gets in `to`. Without it the copy is reachable by digest only. */
  tag?: string;
  /** Repository of the same registry that probably has the blobs already. */
  mountFrom?: string;
  /** Called when a blob or manifest is in its place. */
  progress?: (done: { descriptor: Descriptor; arrival: Arrival }) => void;
}

/** Small enough for two cores and slow registries; large enough that latency does not add up. */
const parallel = 4;

/**
 * Copies an image or an index with all its images, children before parents, so that what can be seen is complete.
 * Blobs that are there are not sent again. Returns the descriptor of what `reference` means in `from`.
 *
 * @throws SubpipeError `NOT_FOUND` when `from` lacks it, `FAILED` when content does not match its digest.
 */
export async function copy(
  from: Target,
  to: Target,
  reference: string,
  options: CopyOptions = {},
): Promise<Descriptor> {
  const root = await from.readManifest(reference, options);
  await copyTree(from, to, root, options, options.tag);
  return root.descriptor;
}

async function copyTree(
  from: Target,
  to: Target,
  manifest: StoredManifest,
  options: CopyOptions,
  tag?: string,
): Promise<void> {
  switch (manifest.kind) {
    case 'index':
      for (const child of manifest.value.manifests) {
        await copyTree(from, to, await from.readManifest(child.digest, options), options);
      }
      break;
    case 'image':
      await each([manifest.value.config, ...manifest.value.layers], (blob) => copyBlob(from, to, blob, options));
      break;
    default:
      manifest satisfies never;
  }
  await to.writeManifest(manifest, tag, options);
  options.progress?.({ descriptor: manifest.descriptor, arrival: 'sent' });
}

/** Copies one blob, unless it is there. */
export async function copyBlob(from: Target, to: Target, blob: Descriptor, options: CopyOptions = {}): Promise<void> {
  const arrival = await to.writeBlob(blob, () => from.readBlob(blob, options), options);
  options.progress?.({ descriptor: blob, arrival });
}

async function each<Item>(items: Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}

/** A blob that is small by nature (an image config), as bytes. Refuses more than 4 MiB. */
export async function readSmall(from: Target, blob: Descriptor, options: Options = {}): Promise<Buffer> {
  const limited = { ...blob, size: Math.min(blob.size, manifestLimit) };
  const chunks: Buffer[] = [];
  for await (const chunk of await from.readBlob(limited, options)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
