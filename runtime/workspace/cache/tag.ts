import { createHash } from 'node:crypto';

/** The key of a cache, on its manifest: what a tag cannot say of long and odd keys. */
export const keyAnnotation = 'subpipe.dev/cache-key';
/** When it was saved (image-spec, annotations.md): of several that match a prefix, the newest is taken. */
export const createdAnnotation = 'org.opencontainers.image.created';

const plainPrefix = 'cache.';
const hashedPrefix = 'cache-sha256.';
/** What can be in a tag, as much as fits behind the prefix (distribution-spec: 128 characters). */
const plainKey = /^[A-Za-z0-9_.-]{1,122}$/;
/** Characters of a key that its hashed tag shows to people. */
const shownLength = 40;

/** The one tag of a key: the key itself where it fits into a tag, else its beginning and its hash. */
export function cacheTag(key: string): string {
  if (plainKey.test(key)) return plainPrefix + key;
  return `${hashedPrefix}${shownPart(key)}.${createHash('sha256').update(key).digest('hex')}`;
}

/** Whether a tag can be of a key with this beginning. What a hashed tag does not show, the annotation tells. */
export function mayBegin(tag: string, prefix: string): boolean {
  if (tag.startsWith(hashedPrefix)) {
    const shown = tag.slice(hashedPrefix.length).replace(/\.[0-9a-f]{64}$/, '');
    const wanted = shownPart(prefix);
    // The tag shows so many characters of the key, or all of them.
    return shown.startsWith(wanted);
  }
  return tag.startsWith(plainPrefix + prefix);
}

/** One character for each, so that beginnings stay beginnings. */
function shownPart(key: string): string {
  return key.slice(0, shownLength).replace(/[^A-Za-z0-9_-]/g, '_');
}
