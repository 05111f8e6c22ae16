import { type BytePath, fromLatin1 } from '../path.ts';
import type { Change, Changes } from './changes.ts';
import { nodeIn, types, width } from './snapshot.ts';

/** Changes as a thread gets them: one text and one array, which cost a tenth of what objects do. */
export interface ChangeColumns {
  /** Paths, and where hardlinks point, with a NUL after each. */
  paths: string;
  /** For each change as many numbers as in a snapshot, the first of which tells its kind. */
  numbers: Float64Array<ArrayBuffer>;
}

/** Of a snapshot, and what else a change can be. */
const kinds = [...types, 'link', 'remove', 'empty'] as const;

export function toColumns(changes: Changes): ChangeColumns {
  const { tree, places } = changes;
  const { snapshot, links } = tree;
  const numbers = new Float64Array(places.length * width);
  const paths: string[] = [];
  // Most are one after the other in the tree: rows that are, are copied together.
  let run = 0;
  places.forEach((place, i) => {
    const first = links.get(place);
    paths.push(changes.pathAt(place));
    if (first !== undefined) paths.push(changes.pathAt(first));
    if (place >= 0 && places[i + 1] === place + 1) return;
    const begin = place - (i - run);
    if (place >= 0) numbers.set(snapshot.numbers.subarray(begin * width, (place + 1) * width), run * width);
    run = i + 1;
  });
  places.forEach((place, i) => {
    const kind = changes.markAt(place)?.kind ?? (links.has(place) ? 'link' : undefined);
    if (kind !== undefined) numbers[i * width] = kinds.indexOf(kind);
  });
  return { paths: paths.length === 0 ? '' : `${paths.join('\0')}\0`, numbers };
}

/** One change at a time: they are not all in memory. */
export function* fromColumns({ paths, numbers }: ChangeColumns): Generator<Change> {
  let from = 0;
  const path = (): BytePath => {
    const end = paths.indexOf('\0', from);
    const found = paths.slice(from, end);
    from = end + 1;
    return fromLatin1(found);
  };
  for (let place = 0; place * width < numbers.length; place++) {
    const kind = kinds[numbers[place * width] ?? 0] ?? 'file';
    if (kind === 'remove' || kind === 'empty') {
      yield { kind, path: path() };
      continue;
    }
    const node = nodeIn(numbers, place, path(), kind === 'link' ? 'file' : kind);
    yield { kind: 'put', node: kind === 'link' ? { ...node, linkTo: path() } : node };
  }
}
