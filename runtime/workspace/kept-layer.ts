import { Readable } from 'node:stream';
import type { LayerSource } from '../archive/layer/read-layer.ts';

/** Bytes, packed, that are kept of all layers together. */
const room = 16 * 1024 * 1024;

/**
 * Layers that are read twice, as those are that a merge compares first: what is small is kept after the first time, and
 * not downloaded again.
 */
export function keptLayers(limit = room): <L extends LayerSource>(layer: L) => L {
  let left = limit;
  return (layer) => {
    if (layer.size > left) return layer;
    left -= layer.size;
    let kept: Buffer | undefined;
    return {
      ...layer,
      async open(signal?: AbortSignal): Promise<Readable> {
        if (kept !== undefined) return Readable.from([kept]);
        const source = await layer.open(signal);
        return Readable.from(
          collected(source, (bytes) => {
            kept = bytes;
          }),
          { objectMode: false },
        );
      },
    };
  };
}

/** What passes, told to `keep` once all of it has come, which is verified then. */
async function* collected(source: Readable, keep: (bytes: Buffer) => void): AsyncGenerator<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of source as AsyncIterable<Buffer>) {
    pieces.push(Buffer.from(piece));
    yield piece;
  }
  keep(Buffer.concat(pieces));
}
