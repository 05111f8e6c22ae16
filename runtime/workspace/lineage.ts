import { digestsOf, type Line, type Lineage, type Lined, noLineage, sharedCount } from '../archive/lineage.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { isRecord, type StoredManifest } from '../oci/manifest.ts';
import type { WorkspaceImage } from './image.ts';

/**
 * The annotation of a manifest whose image was made anew from all of a folder, or is made of such an image: the layers of
 * the images that its content stands for, as the JSON of a {@link Lineage}. By these a merge finds what it has in common
 * with images that go on from there.
 */
export const lineageAnnotation = 'subpipe.dev/lineage';

/** What is older than the last of these is hardly ever met again. */
const mostLines = 32;
const mostDigests = 1024;

/** An image as a merge sees it. */
export function linedOf({ layers, lineage }: Pick<WorkspaceImage, 'layers' | 'lineage'>): Lined {
  return { layers: layers.map(({ descriptor }) => descriptor), lineage };
}

/** What others wrote and is none, counts as nothing. */
export function lineageIn(manifest: StoredManifest | undefined): Lineage {
  const text = manifest?.value.annotations?.[lineageAnnotation];
  if (text === undefined) return noLineage;
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || !Array.isArray(value.lines) || value.lines.length > mostLines) return noLineage;
    const count = value.lines.length;
    const lines = value.lines.flatMap((line: unknown): Line[] => {
      if (!isRecord(line)) return [];
      const { layers } = line;
      return isDigests(layers) && isPlaces(line, count) ? [{ layers, anew: line.anew, from: line.from }] : [];
    });
    return isPlaces(value, count) && lines.length === count ? { anew: value.anew, from: value.from, lines } : noLineage;
  } catch {
    return noLineage;
  }
}

/** For an image of these layers that was made from others. Empty where its layers tell all by themselves. */
export function lineageAnnotationOf(layers: readonly { digest: Digest }[], parents: readonly Lined[]) {
  const lineage = lineageOf(digestsOf(layers), parents);
  return lineage.lines.length === 0 ? {} : { [lineageAnnotation]: JSON.stringify(lineage) };
}

function lineageOf(own: readonly Digest[], parents: readonly Lined[]): Lineage {
  const collected = new Lines();
  const there = new Set(own);
  const from = new Set<number>();
  let anew: number | undefined;
  for (const { layers, lineage = noLineage } of parents) {
    const digests = digestsOf(layers);
    // Its layers tell by themselves; what they stand for, they do not.
    const isThere = digests.every((digest) => there.has(digest));
    if (sharedCount(digests, own) === digests.length) anew ??= lineage.anew;
    const places = isThere
      ? lineage.from.map((at) => collected.addFrom(lineage, at))
      : [collected.add({ ...lineage, layers: digests }, lineage)];
    for (const place of places) if (place !== undefined) from.add(place);
  }
  return { anew: anew ?? own.length, from: [...from], lines: collected.lines };
}

/** Lines, each once. */
class Lines {
  readonly lines: Line[] = [];
  readonly #places = new Map<string, number>();
  #digests = 0;

  /** @returns its place; undefined where there are too many. */
  add({ layers, anew, from }: Omit<Line, 'lines'>, within: Lineage): number | undefined {
    const key = layers.join();
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#digests += layers.length;
    if (this.#digests > mostDigests || this.lines.length === mostLines) return undefined;
    const place = this.lines.length;
    this.#places.set(key, place);
    this.lines.push({ layers, anew, from: [] });
    const below = from.flatMap((at) => this.addFrom(within, at) ?? []);
    this.lines[place] = { layers, anew, from: below };
    return place;
  }

  addFrom(lineage: Lineage, at: number): number | undefined {
    const line = lineage.lines[at];
    return line === undefined ? undefined : this.add(line, lineage);
  }
}

function isDigests(value: unknown): value is Digest[] {
  return (
    Array.isArray(value) &&
    value.length <= mostDigests &&
    value.every((one) => typeof one === 'string' && isDigest(one))
  );
}

function isPlaces(value: Record<string, unknown>, count: number): value is { anew: number; from: number[] } {
  const isCount = (one: unknown): one is number => typeof one === 'number' && Number.isSafeInteger(one) && one >= 0;
  const { anew, from } = value;
  return isCount(anew) && Array.isArray(from) && from.every((at) => isCount(at) && at < count);
}
