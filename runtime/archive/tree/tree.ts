import type { BytePath } from '../path.ts';
import type { TreeNode } from './node.ts';
import type { Snapshot } from './snapshot.ts';
import type { Skipped } from './walk.ts';

/** What is in a folder. The folder itself is not listed. */
export class Tree {
  /** Full path of the folder. */
  readonly root: string;
  /** Parents before what is in them; names by their bytes. */
  readonly snapshot: Snapshot;
  /** Of a file with several names in the tree, for each but the first: where in the snapshot the first is. */
  readonly links: ReadonlyMap<number, number>;
  readonly skipped: readonly Skipped[];
  #nodes: readonly TreeNode[] | undefined;

  constructor(
    root: string,
    snapshot: Snapshot,
    links: ReadonlyMap<number, number> = new Map(),
    skipped: readonly Skipped[] = [],
  ) {
    this.root = root;
    this.snapshot = snapshot;
    this.links = links;
    this.skipped = skipped;
  }

  get paths(): readonly BytePath[] {
    return this.snapshot.paths;
  }

  /** All of them as objects, which take more memory than all else: for those who need all. */
  get nodes(): readonly TreeNode[] {
    this.#nodes ??= this.paths.map((_, place) => this.node(place));
    return this.#nodes;
  }

  node(place: number): TreeNode {
    const node = this.snapshot.node(place);
    const first = this.links.get(place);
    const linkTo = first === undefined ? undefined : this.paths[first];
    return linkTo === undefined ? node : { ...node, linkTo };
  }
}
