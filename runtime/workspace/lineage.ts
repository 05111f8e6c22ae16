import { digestsOf, type Line, type Lineage, type Lined, noLineage, sharedCount } from '../archive/merge/lineage.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { isRecord, type StoredManifest } from '../oci/manifest.ts';
import type { WorkspaceImage } from './image.ts';

/**
 * The annotation of a manifest whose image was made anew from all of a folder, or merged of several, or is made of such an
 * image: the layers of the images that its content stands for, as the JSON of a {@link Lineage}, in which a number stands
 * for a layer of its own. By these a merge finds what it has in common with images that go on from there.
 */
export const lineageAnnotation = 'subpipe.dev/lineage';

/** What is older than the last of these is hardly ever met again. */
const mostLines = 64;
const mostDigests = 1024;

/** An image as a merge sees it. */
export function linedOf({ layers, lineage }: Pick<WorkspaceImage, 'layers' | 'lineage'>): Lined {
  return { layers: layers.map(({ descriptor }) => descriptor), lineage };
}

/** What others wrote and is none, counts as nothing. */
export function lineageIn(manifest: StoredManifest & { kind: 'image' }): Lineage {
  const { annotations, layers: own } = manifest.value;
  const text = annotations?.[lineageAnnotation];
  if (text === undefined) return noLineage;
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || !Array.isArray(value.lines) || value.lines.length > mostLines) return noLineage;
    const count = value.lines.length;
    const lines = value.lines.flatMap((line: unknown): Line[] => {
      if (!isRecord(line) || !Array.isArray(line.layers) || line.layers.length > mostDigests) return [];
      const layers = line.layers.map((one: unknown) => (typeof one === 'number' ? own[one]?.digest : one));
      return layers.every(isDigestOf) && isPlaces(line, count) ? [{ layers, anew: line.anew, from: line.from }] : [];
    });
    return isPlaces(value, count) && lines.length === count ? { anew: value.anew, from: value.from, lines } : noLineage;
  } catch {
    return noLineage;
  }
}

/** For an image of these layers that was made from others. Empty where it was made of one, by more layers. */
export function lineageAnnotationOf(layers: readonly { digest: Digest }[], parents: readonly Lined[]) {
  const own = digestsOf(layers);
  const { lines, ...rest } = lineageOf(own, parents);
  if (lines.length === 0) return {};
  // Most of what several images were merged of is there: a number is shorter than a digest.
  const places = new Map(own.map((digest, place) => [digest, place]));
  const short = lines.map((line) => ({ ...line, layers: line.layers.map((digest) => places.get(digest) ?? digest) }));
  return { [lineageAnnotation]: JSON.stringify({ ...rest, lines: short }) };
}

function lineageOf(own: readonly Digest[], parents: readonly Lined[]): Lineage {
  const collected = new Lines(own);
  const from = new Set<number>();
  let anew: number | undefined;
  for (const { layers, lineage = noLineage } of parents) {
    const digests = digestsOf(layers);
    // Its layers tell by themselves; what they stand for, they do not.
    const isBelow = sharedCount(digests, own) === digests.length;
    if (isBelow) anew ??= lineage.anew;
    for (const line of isBelow ? linesFrom(lineage, lineage) : [{ ...lineage, layers: digests }]) {
      const place = collected.add(line, lineage);
      if (place !== undefined) from.add(place);
    }
  }
  return { anew: anew ?? own.length, from: [...from], lines: collected.settle() };
}

function linesFrom({ from }: Pick<Line, 'from'>, { lines }: Lineage): Line[] {
  return from.flatMap((at) => lines[at] ?? []);
}

/** Lines, each once; those that are told first, then what they stand for, until there are too many. */
class Lines {
  readonly #lines: Line[] = [];
  readonly #places = new Map<string, number>();
  readonly #queue: { place: number; line: Line; within: Lineage }[] = [];
  readonly #own: ReadonlySet<Digest>;
  #digests = 0;

  constructor(own: readonly Digest[]) {
    this.#own = new Set(own);
  }

  /** @returns its place; undefined where there are too many. */
  add(line: Line, within: Lineage): number | undefined {
    const { layers, anew } = line;
    const key = layers.join();
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#digests += layers.filter((digest) => !this.#own.has(digest)).length;
    if (this.#digests > mostDigests || this.#lines.length === mostLines) return undefined;
    const place = this.#lines.push({ layers, anew, from: [] }) - 1;
    this.#places.set(key, place);
    this.#queue.push({ place, line, within });
    return place;
  }

  settle(): Line[] {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { place, line, within } = next;
      const from = linesFrom(line, within).flatMap((below) => this.add(below, within) ?? []);
      this.#lines[place] = { layers: line.layers, anew: line.anew, from };
    }
    return this.#lines;
  }
}

function isDigestOf(value: unknown): value is Digest {
  return typeof value === 'string' && isDigest(value);
}

function isPlaces(value: Record<string, unknown>, count: number): value is { anew: number; from: number[] } {
  const isCount = (one: unknown): one is number => typeof one === 'number' && Number.isSafeInteger(one) && one >= 0;
  const { anew, from } = value;
  return isCount(anew) && Array.isArray(from) && from.every((at) => isCount(at) && at < count);
}
