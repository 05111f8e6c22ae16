import { type Readable, Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { indexLayer, type LayerIndex } from '../../runtime/archive/layer-index.ts';
import type { LayerSource } from '../../runtime/archive/read-layer.ts';
import type { Digest } from '../../runtime/oci/digest.ts';
import type { WorkspaceLayer } from '../../runtime/workspace/image.ts';
import { Progress } from '../../runtime/workspace/progress.ts';
import { openPlace } from '../../runtime/workspace/reference.ts';
import type { Reading } from './context.ts';

/** What layers say, in their order; streamed, nothing is written. People see how far it is, in packed bytes. */
export async function readIndexes(layers: readonly WorkspaceLayer[], reading: Reading): Promise<LayerIndex[]> {
  const { log, terminal, signal } = reading;
  const total = layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  const progress = new Progress({ log, doing: 'reading', total, terminal });
  try {
    const indexes: LayerIndex[] = [];
    for (const layer of sourcesOf(layers, reading, (bytes) => progress.add(bytes))) {
      indexes.push(await indexLayer(layer, { signal }));
    }
    return indexes;
  } finally {
    progress.end();
  }
}

/** Layers as they are read. */
export function sourcesOf(
  layers: readonly WorkspaceLayer[],
  { registries }: Reading,
  progress: (bytes: number) => void = () => {},
): (LayerSource & { digest: Digest })[] {
  return layers.map(({ descriptor, diffId, from }) => ({
    name: `${descriptor.digest} of ${from}`,
    digest: descriptor.digest,
    size: descriptor.size,
    diffId,
    open: async (signal) => {
      const { target } = await openPlace(from, registries);
      return counted(await target.readBlob(descriptor, { signal }), progress);
    },
  }));
}

function counted(source: Readable, progress: (bytes: number) => void): Readable {
  const counter = new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
      progress(chunk.length);
      done(null, chunk);
    },
  });
  // The pipeline's own promise tells nothing that the reader of `counter` is not told.
  pipeline(source, counter).catch(() => {});
  return counter;
}
