import { PassThrough } from 'node:stream';
import type { Change } from '../archive/changes.ts';
import { type Compression, layerMediaType } from '../archive/compression.ts';
import type { Layer } from '../archive/layer.ts';
import type { Tree } from '../archive/scan.ts';
import { splitChanges } from '../archive/split.ts';
import { type WriteTreeOptions, writeTree } from '../archive/write-tree.ts';
import type { Target } from '../oci/target.ts';

/** Packs changes into one or more layers and sends them while they are packed, side by side where they are large. */
export function sendChanges(
  target: Target,
  tree: Tree,
  changes: readonly Change[],
  options: WriteTreeOptions & { compression: Compression },
): Promise<Layer[]> {
  return Promise.all(splitChanges(changes).map((part) => sendLayer(target, tree, part, options)));
}

async function sendLayer(
  target: Target,
  tree: Tree,
  changes: readonly Change[],
  options: WriteTreeOptions & { compression: Compression },
): Promise<Layer> {
  let packing: Promise<Layer> | undefined;
  const open = () => {
    const pipe = new PassThrough({ highWaterMark: 4 * 1024 * 1024 });
    packing = writeTree(tree, changes, pipe, options);
    packing.catch((error: unknown) => pipe.destroy(error instanceof Error ? error : new Error(String(error))));
    return pipe;
  };
  const descriptor = await target.writeStream(layerMediaType(options.compression), open, { signal: options.signal });
  const layer = await packing;
  if (layer === undefined) throw new Error('unreachable: a stream was opened');
  return { ...layer, descriptor };
}
