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
  places.forEach((place, i) => {
    paths.push(changes.pathAt(place));
    const mark = changes.markAt(place);
    if (mark === undefined) numbers.set(snapshot.numbers.subarray(place * width, (place + 1) * width), i * width);
    const first = links.get(place);
    if (first !== undefined) paths.push(changes.pathAt(first));
    if (mark !== undefined || first !== undefined) numbers[i * width] = kinds.indexOf(mark?.kind ?? 'link');
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
