import type { MapPlace } from '../archive/layer/frame-map.ts';
import { isDigest } from '../oci/digest.ts';
import type { WorkspaceLayer } from './image.ts';

/** Where a layer has the map of its frames, on its descriptor: `OFFSET:sha256:…`, from this byte to the layer's end. */
export const mapAnnotation = 'subpipe.dev/map';

/** The value of {@link mapAnnotation}. */
export function mapText({ offset, digest }: MapPlace): string {
  return `${offset}:${digest}`;
}

/** Undefined where a layer has none, or one that is not in it. */
export function mapOf({ descriptor }: WorkspaceLayer): MapPlace | undefined {
  const [, number, digest = ''] = /^(\d{1,15}):(.+)$/.exec(descriptor.annotations?.[mapAnnotation] ?? '') ?? [];
  const offset = Number(number);
  return offset < descriptor.size && isDigest(digest) ? { offset, digest } : undefined;
}
