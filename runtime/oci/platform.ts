import process from 'node:process';
import { SubpipeError } from '../errors.ts';
import { isDigest } from './digest.ts';
import { type Descriptor, formatPlatform, isManifestType, type Platform, type StoredManifest } from './manifest.ts';
import type { Options, Target } from './target.ts';

/** An index in an index is made by some builders; a hundred of them by nobody who means well. */
const deepest = 4;

/** The platform of this machine's containers: Linux and Go's name of the architecture. */
export function ownPlatform(): Platform {
  const names: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };
  return { os: 'linux', architecture: names[process.arch] ?? process.arch };
}

/**
 * The image that a reference means: itself, or the one for a platform out of an index, also one inside another index.
 *
 * @param platform default: this machine's. Without a variant any variant fits.
 * @throws SubpipeError `NOT_FOUND` that names what there is.
 */
export async function readImage(
  target: Target,
  reference: string,
  options: Options & { platform?: Platform } = {},
): Promise<StoredManifest & { kind: 'image' }> {
  const platform = options.platform ?? ownPlatform();
  const root = await target.readManifest(reference, options);
  if (root.kind === 'image') return root;
  const has: string[] = [];
  const found = await search(target, root, platform, has, 1, options);
  if (found !== undefined) return found;
  const names = has.length === 0 ? 'no images' : has.join(', ');
  throw new SubpipeError(
    'NOT_FOUND',
    `${target.name}${isDigest(reference) ? '@' : ':'}${reference} has no image for ${formatPlatform(platform)}: it has ${names}`,
  );
}

async function search(
  target: Target,
  index: StoredManifest & { kind: 'index' },
  platform: Platform,
  has: string[],
  depth: number,
  options: Options,
): Promise<(StoredManifest & { kind: 'image' }) | undefined> {
  const entries = index.value.manifests.filter((entry) => isManifestType(entry.mediaType));
  for (const { platform, digest, mediaType } of entries) {
    if (platform !== undefined) has.push(formatPlatform(platform));
    else if (!mediaType.includes('index')) has.push(`${digest} without a platform`);
  }
  const fitting = entries.filter((entry) => fits(entry, platform));
  // Without a platform it may be an index that has one: asked only when nothing fits by name.
  const unnamed = entries.filter((entry) => entry.platform === undefined && entry.mediaType.includes('index'));
  for (const entry of [...fitting, ...(depth < deepest ? unnamed : [])]) {
    const manifest = await target.readManifest(entry.digest, options);
    if (manifest.kind === 'image') return manifest;
    const found = depth < deepest ? await search(target, manifest, platform, has, depth + 1, options) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function fits({ platform }: Descriptor, wanted: Platform): boolean {
  if (platform?.os !== wanted.os || platform.architecture !== wanted.architecture) return false;
  return wanted.variant === undefined || platform.variant === wanted.variant;
}
