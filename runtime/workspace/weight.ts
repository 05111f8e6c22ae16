import { padded } from '../archive/tar/header.ts';
import type { Change } from '../archive/tree/changes.ts';
import type { TreeNode } from '../archive/tree/node.ts';
import type { Tree } from '../archive/tree/tree.ts';
import type { WorkspaceLayer } from './image.ts';

/** Bytes of a layer's tar, on its descriptor: what tells dead weight, and how far a pull is. */
export const tarSizeAnnotation = 'subpipe.dev/tar-size';

/** Less than this is not worth sending all of a folder again, in bytes. */
const worthwhile = 64 * 1024 * 1024;

/** Whether more of the layers is dead than alive: replaced or removed above, and still downloaded by each pull. */
export function weighs(below: readonly WorkspaceLayer[], changes: readonly Change[], tree: Tree): boolean {
  // What strangers' layers weigh is not known: they count for nothing.
  const stored = below.reduce((sum, layer) => sum + (tarSizeOf(layer) ?? 0), 0) + weightOf(changes);
  const alive = tree.paths.reduce((sum, _, place) => sum + weightAt(tree, place), 0);
  const dead = stored - alive;
  return dead > alive && dead > worthwhile;
}

/** Bytes of tar that changes become, near enough. */
export function weightOf(changes: readonly Change[]): number {
  return changes.reduce((sum, change) => sum + (change.kind === 'put' ? weightOfNode(change.node) : 512), 0);
}

export function tarSizeOf({ descriptor }: WorkspaceLayer): number | undefined {
  const text = descriptor.annotations?.[tarSizeAnnotation];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function weightAt({ snapshot, links }: Tree, place: number): number {
  return 512 + (links.has(place) ? 0 : padded(snapshot.sizeOf(place)));
}

function weightOfNode(node: TreeNode): number {
  return 512 + (node.linkTo === undefined ? padded(node.size) : 0);
}
