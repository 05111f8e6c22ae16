import { lstatSync, readdirSync } from 'node:fs';
import { SubpipeError } from '../../errors.ts';
import { type BytePath, isDirectlyIn, locator, parentOf, rootPath } from '../path.ts';
import { ignoreFile } from './ignore.ts';
import { nodeOf, type TreeNode } from './node.ts';
import { Snapshot, setNode, width } from './snapshot.ts';
import { lostAndFound, workFolder } from './walk.ts';

// How things look is remembered, for the next push to see what has changed. What was seen while they were written saves
// a look at each of them, which costs as much as a fifth of a pull.

/** How many of the things that nobody has moved are looked at again. */
const samples = 64;

const slash = 0x2f;

/** At the top of a folder, what no scan lists. */
const leftOut: readonly string[] = [workFolder, lostAndFound];

/** Something that was made a moment ago. @throws SubpipeError `FAILED` where it is there no more. */
export function lookAt(full: string | Buffer, path: BytePath): TreeNode {
  const node = lookFor(full, path);
  if (node === undefined) throw new SubpipeError('FAILED', 'something else writes into the folder that is filled');
  return node;
}

/** Parents before what is in them, names by their bytes: as `scanTree` lists them. */
export function compareAsScanned(one: BytePath, two: BytePath): number {
  const length = Math.min(one.length, two.length);
  for (let i = 0; i < length; i++) {
    const a = one.charCodeAt(i);
    const b = two.charCodeAt(i);
    // A folder's content comes before a name that only begins as the folder's: `a/b` before `a.b`.
    if (a !== b) return a === slash ? -1 : b === slash ? 1 : a - b;
  }
  return one.length - two.length;
}

/**
 * What a scan of a folder would find, by how all looked before it was moved there. Renames change what is at the top, and
 * what is in folders that were there before (see `fillHollow`).
 *
 * @param before as {@link Staging.looks} tells it.
 * @returns undefined where only a scan can tell.
 */
export function looksMoved(root: string, before: Snapshot): Snapshot | undefined {
  const at = locator(root);
  const moved = new Map<BytePath, { count: number }>([[rootPath, { count: 0 }]]);
  const paths: BytePath[] = [];
  const numbers = before.numbers.slice();
  // Most things have their folder in common with the one before.
  let folder = rootPath;
  let siblings = moved.get(folder);
  // Also what is in it, which comes right after it.
  let isLeftOut = false;
  const apart = Math.max(1, Math.floor(before.size / samples));
  for (const [place, path] of before.paths.entries()) {
    if (path === ignoreFile) return undefined;
    if (!isDirectlyIn(path, folder)) {
      folder = parentOf(path);
      siblings = moved.get(folder);
    }
    if (folder === '') isLeftOut = leftOut.includes(path);
    if (isLeftOut) continue;
    const isMoved = siblings !== undefined;
    if (siblings !== undefined) siblings.count++;
    if (paths.length < place) numbers.copyWithin(paths.length * width, place * width, (place + 1) * width);
    paths.push(path);
    if (!isMoved && place % apart !== 0) continue;
    const node = before.node(place);
    const now = lookFor(at(path), path);
    if (now === undefined || now.type !== node.type) return undefined;
    // A file system may finish what it says of a file only later; then nothing of before counts.
    if (!isMoved && !before.isUntouched(place, now)) return undefined;
    if (node.type === 'folder' && now.ino !== node.ino) moved.set(path, { count: 0 });
    // What somebody has written to since then is not what was pulled.
    const isSame = node.type === 'folder' || before.isUntouched(place, { ...now, ctimeMs: node.ctimeMs });
    if (isSame) setNode(numbers, paths.length - 1, now);
  }
  for (const [path, { count }] of moved) {
    const names = readdirSync(at(path)).filter((name) => path !== '' || !leftOut.includes(name));
    if (names.length !== count) return undefined;
  }
  return new Snapshot(paths, numbers.slice(0, paths.length * width));
}

function lookFor(full: string | Buffer, path: BytePath): TreeNode | undefined {
  const found = lstatSync(full, { throwIfNoEntry: false });
  return found === undefined ? undefined : nodeOf(path, found);
}
