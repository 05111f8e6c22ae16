import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { SubpipeError } from '../../errors.ts';
import { asDigest, type Digest } from '../../oci/digest.ts';
import { TarParser, type TarVisitor } from '../tar/parser.ts';
import { type LayerParts, type Needs, readPart } from './part.ts';
import { unpack } from './unpack.ts';

/** A layer to read. */
export interface LayerSource {
  /** For people: its digest and where it is. */
  name: string;
  /** Bytes, packed. */
  size: number;
  /** Of the tar: checked where it is given. */
  diffId?: Digest | undefined;
  /** How to read it in part, where it has a map. */
  parts?: LayerParts | undefined;
  /** A stream that fails unless it is exactly the layer, such as {@link Target.readBlob}'s. Called once or twice. */
  open(signal?: AbortSignal): Promise<Readable>;
}

/**
 * Feeds a layer's tar to `visitor`, verified to its end.
 *
 * @param options.needs what the visitor needs: of the rest it may be told no more than {@link readPart} says. Default: all.
 */
export async function readLayer(
  layer: LayerSource,
  visitor: TarVisitor,
  options: { signal?: AbortSignal | undefined; needs?: Needs | undefined } = {},
  progress: (bytes: number) => void = () => {},
): Promise<void> {
  const { needs, signal } = options;
  const isRead =
    layer.parts !== undefined &&
    needs !== undefined &&
    (await readPart(layer, layer.parts, visitor, needs, { signal, progress }));
  if (isRead) return;
  const parser = new TarParser(visitor, layer.name);
  const hash = layer.diffId === undefined ? undefined : createHash('sha256');
  for await (const piece of unpack(await layer.open(options.signal), layer.name, options.signal)) {
    const { length } = piece;
    hash?.update(piece);
    parser.write(piece);
    progress(length);
  }
  parser.finish();
  const found = hash === undefined ? undefined : asDigest(hash);
  if (found === layer.diffId) return;
  throw new SubpipeError('FAILED', `${layer.name} has the content ${found}, but its image says ${layer.diffId}`);
}
