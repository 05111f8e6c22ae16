import { block, padded } from '../archive/tar/header.ts';
import type { Changes } from '../archive/tree/changes.ts';
import type { Tree } from '../archive/tree/tree.ts';
import type { WorkspaceLayer } from './image.ts';

/** Bytes of a layer's tar, on its descriptor: what tells dead weight, and how far a pull is. */
export const tarSizeAnnotation = 'subpipe.dev/tar-size';

/** Less than this is not worth sending all of a folder again, in bytes. */
const worthwhile = 64 * 1024 * 1024;

/** Whether more of the layers is dead than alive: replaced or removed above, and still downloaded by each pull. */
export function weighs(below: readonly WorkspaceLayer[], changes: Changes, tree: Tree): boolean {
  // What strangers' layers weigh is not known: they count for nothing.
  const stored = below.reduce((sum, layer) => sum + (tarSizeOf(layer) ?? 0), 0) + weightOf(changes);
  const alive = tree.paths.reduce((sum, _, place) => sum + weightAt(tree, place), 0);
  const dead = stored - alive;
  return dead > alive && dead > worthwhile;
}

/** Bytes of tar that changes become, near enough. */
export function weightOf({ tree, places }: Changes): number {
  return places.reduce((sum, place) => sum + (place < 0 ? block : weightAt(tree, place)), 0);
}

export function tarSizeOf({ descriptor }: WorkspaceLayer): number | undefined {
  const text = descriptor.annotations?.[tarSizeAnnotation];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function weightAt({ snapshot, links }: Tree, place: number): number {
  return block + (links.has(place) ? 0 : padded(snapshot.sizeOf(place)));
}
