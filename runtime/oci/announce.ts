import { createHash } from 'node:crypto';
import { hasCode } from '../errors.ts';
import { type Digest, isDigest } from './digest.ts';
import type { StoredManifest } from './manifest.ts';
import { isTag } from './name.ts';
import type { Deletion, Options, Target } from './target.ts';

/**
 * The annotation of a manifest that says what it was made from: digests with commas between them. What is named here
 * is in the new manifest, and is gathered no more.
 */
export const parentsAnnotation = 'subpipe.dev/parents';

/** Hex digits of the digest in an announcement's tag: 96 bits, which nobody meets twice by chance. */
const digits = 24;

/** A tag has at most 128 characters: what is longer than this before the digest is cut and made unique by a hash. */
const longestName = 128 - 1 - digits;

/**
 * Writes a manifest for everybody who gathers `tag`. Registries can replace a tag and no more: of two that write it at
 * once one is lost. So each manifest gets a tag of its own too, `TAG.` and the beginning of its digest, which nobody else
 * writes; these are listed by {@link gather}. `tag` itself moves to the last one, for people and container engines.
 *
 * The manifest names its parents in {@link parentsAnnotation}. It can be announced again and does no harm.
 */
export async function announce(
  target: Target,
  tag: string,
  manifest: StoredManifest,
  options: Options = {},
): Promise<void> {
  // First the one that is never lost: who sees the tag alone sees something older at worst.
  await target.writeManifest(manifest, announcementTag(tag, manifest.descriptor.digest), options);
  await target.writeManifest(manifest, tag, options);
}

/**
 * What was announced for `tag` and is in nothing that was announced later, sorted by digest: one after pushes that
 * followed each other, many after pushes side by side. What some other program pushed to `tag` counts as well.
 * None is an empty list.
 *
 * @throws SubpipeError of {@link Target.listTags} and {@link Target.readManifest}.
 */
export async function gather(target: Target, tag: string, options: Options = {}): Promise<StoredManifest[]> {
  const found = new Map<Digest, StoredManifest>();
  const tags = (await target.listTags(options)).filter((name) => name === tag || announces(name, tag));
  const queue = tags.values();
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const name of queue) {
        const manifest = await readIfThere(target, name, options);
        if (manifest === undefined) continue;
        const { digest } = manifest.descriptor;
        // A tag that somebody moved says nothing: what it was made for is not what it names.
        if (name === tag || name === announcementTag(tag, digest)) found.set(digest, manifest);
      }
    }),
  );
  const superseded = new Set([...found.values()].flatMap(parentsOf));
  return [...found.values()]
    .filter(({ descriptor }) => !superseded.has(descriptor.digest))
    .sort((a, b) => (a.descriptor.digest < b.descriptor.digest ? -1 : 1));
}

/** Takes back an announcement, for what is gathered no more. What `tag` itself names stays. */
export function withdraw(target: Target, tag: string, digest: Digest, options: Options = {}): Promise<Deletion> {
  return target.deleteTag(announcementTag(tag, digest), options);
}

/** What a manifest was made from, as it says itself. */
export function parentsOf(manifest: StoredManifest): Digest[] {
  const text = manifest.value.annotations?.[parentsAnnotation] ?? '';
  return text.split(',').filter(isDigest);
}

/** The annotation for {@link parentsOf}. */
export function parentsAnnotationOf(parents: readonly Digest[]): Record<string, string> {
  return parents.length === 0 ? {} : { [parentsAnnotation]: [...new Set(parents)].sort().join(',') };
}

/** The tag that a manifest has for itself among those of `tag`. */
export function announcementTag(tag: string, digest: Digest): string {
  return `${prefixOf(tag)}${digest.slice('sha256:'.length, 'sha256:'.length + digits)}`;
}

/** Whether a tag is an announcement of something, and not written by people. */
export function isAnnouncement(name: string): boolean {
  return /\.[0-9a-f]{24}$/.test(name) && isTag(name);
}

function announces(name: string, tag: string): boolean {
  const prefix = prefixOf(tag);
  return name.startsWith(prefix) && /^[0-9a-f]{24}$/.test(name.slice(prefix.length));
}

function prefixOf(tag: string): string {
  if (tag.length <= longestName) return `${tag}.`;
  const hash = createHash('sha256').update(tag).digest('hex').slice(0, 16);
  return `${tag.slice(0, longestName - 17)}-${hash}.`;
}

/** Between the list and the question a tag may have been withdrawn. */
async function readIfThere(target: Target, name: string, options: Options): Promise<StoredManifest | undefined> {
  try {
    return await target.readManifest(name, { ...options, fresh: true });
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}
