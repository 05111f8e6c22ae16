import { digestsOf, type Lined, sharedCount } from '../archive/lineage.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import type { StoredManifest } from '../oci/manifest.ts';
import type { WorkspaceImage } from './image.ts';

/**
 * The annotation of a manifest whose image was made anew from all of a folder: lists of layers, as JSON, each of which its
 * content stands for. By these a merge finds what it has in common with images that go on from there.
 */
export const lineagesAnnotation = 'subpipe.dev/lineages';

/** The newest are kept: what is older is hardly ever met again. */
const mostLines = 16;
const mostDigests = 512;

/** An image as a merge sees it. */
export function linedOf({ layers, lineages }: Pick<WorkspaceImage, 'layers' | 'lineages'>): Lined {
  return { layers: layers.map(({ descriptor }) => descriptor), lineages };
}

export function lineagesIn(manifest: StoredManifest | undefined): Digest[][] {
  const text = manifest?.value.annotations?.[lineagesAnnotation];
  if (text === undefined) return [];
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value)) return [];
    return value.filter(isLine).slice(0, mostLines);
  } catch {
    return [];
  }
}

/** For an image of these layers that was made from others. Empty where its layers tell by themselves. */
export function lineagesAnnotationOf(layers: readonly { digest: Digest }[], parents: readonly Lined[]) {
  const own = new Set(digestsOf(layers));
  const candidates = parents.flatMap(({ layers, lineages = [] }) => [digestsOf(layers), ...lineages]);
  const lines: (readonly Digest[])[] = [];
  let digests = 0;
  for (const line of candidates) {
    const isKnown = line.every((digest) => own.has(digest));
    const isPart = [...lines, ...candidates].some((other) => other.length > line.length && begins(other, line));
    const isThere = lines.some((other) => other.length === line.length && begins(other, line));
    digests += line.length;
    if (digests > mostDigests || lines.length === mostLines) break;
    if (!isKnown && !isPart && !isThere) lines.push(line);
  }
  return lines.length === 0 ? {} : { [lineagesAnnotation]: JSON.stringify(lines) };
}

function begins(line: readonly Digest[], beginning: readonly Digest[]): boolean {
  return sharedCount(beginning, line) === beginning.length;
}

function isLine(value: unknown): value is Digest[] {
  return (
    Array.isArray(value) &&
    value.length <= mostDigests &&
    value.every((one) => typeof one === 'string' && isDigest(one))
  );
}
