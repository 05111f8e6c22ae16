import type { Readable } from 'node:stream';
import { SubpipeError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { TarParser, type TarVisitor } from '../tar/parser.ts';
import { type ContentHash, hashHere } from './content-hash.ts';
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
 * @param options.hash how its content is hashed. Default: {@link hashHere}.
 */
export async function readLayer(
  layer: LayerSource,
  visitor: TarVisitor,
  options: { signal?: AbortSignal | undefined; needs?: Needs | undefined; hash?: (() => ContentHash) | undefined } = {},
  progress: (bytes: number) => void = () => {},
): Promise<void> {
  const { needs, signal } = options;
  const isRead =
    layer.parts !== undefined &&
    needs !== undefined &&
    (await readPart(layer, layer.parts, visitor, needs, { signal, progress }));
  if (isRead) return;
  const parser = new TarParser(visitor, layer.name);
  const hash = layer.diffId === undefined ? undefined : (options.hash ?? hashHere)();
  const pieces = unpack(await layer.open(signal), layer.name, signal);
  for await (const piece of hash?.through(pieces) ?? pieces) {
    const { length } = piece;
    parser.write(piece);
    progress(length);
  }
  parser.finish();
  const found = await hash?.digest();
  if (found === layer.diffId) return;
  throw new SubpipeError('FAILED', `${layer.name} has the content ${found}, but its image says ${layer.diffId}`);
}
