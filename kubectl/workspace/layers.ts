import { type Readable, Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { LayerSource } from '../../runtime/archive/layer/read-layer.ts';
import { indexLayer, type LayerIndex } from '../../runtime/archive/merge/layer-index.ts';
import type { BytePath } from '../../runtime/archive/path.ts';
import type { Digest } from '../../runtime/oci/digest.ts';
import type { WorkspaceLayer } from '../../runtime/workspace/image.ts';
import { layerOpener, sourceLayer } from '../../runtime/workspace/layer-source.ts';
import { Progress } from '../../runtime/workspace/progress.ts';
import type { Reading } from './context.ts';

/**
 * What layers say, in their order; streamed, nothing is written. People see how far it is, in packed bytes.
 *
 * @param select what is asked for, see {@link indexLayer}.
 */
export async function readIndexes(
  layers: readonly WorkspaceLayer[],
  reading: Reading,
  select?: (path: BytePath) => boolean,
): Promise<LayerIndex[]> {
  const { log, terminal, signal } = reading;
  const all = layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  const total = select === undefined ? all : undefined;
  const progress = new Progress({ log, doing: 'reading', total, terminal });
  try {
    const indexes: LayerIndex[] = [];
    for (const layer of sourcesOf(layers, reading, (bytes) => progress.add(bytes))) {
      indexes.push(await indexLayer(layer, { signal, select }));
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
  const open = layerOpener(registries);
  return layers.map((layer) => {
    const source = sourceLayer(layer, open);
    const { parts } = source;
    return {
      ...source,
      parts: parts && { ...parts, read: async (...part) => counted(await parts.read(...part), progress) },
      open: async (signal) => counted(await source.open(signal), progress),
    };
  });
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
