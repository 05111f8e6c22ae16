import { hasCode, SubpipeError } from '../errors.ts';
import { type Connection, discard } from './connection.ts';
import type { Digest } from './digest.ts';
import { type Descriptor, mediaTypes, readManifest, type StoredManifest, storeManifest } from './manifest.ts';
import type { Options, Target } from './target.ts';

/** The tag that stands for the list of referrers where there is no API (distribution-spec v1.1, "Referrers Tag Schema"). */
export function fallbackTag(subject: Digest): string {
  return subject.replace(':', '-');
}

/** A list that never ends is no list. */
const maximumPages = 1000;

/** Asks the API. @returns undefined where the registry has none. */
export async function askReferrers(
  connection: Connection,
  subject: Digest,
  { signal }: Options,
): Promise<Descriptor[] | undefined> {
  const found: Descriptor[] = [];
  let next: string | URL | undefined = `referrers/${subject}`;
  for (let page = 0; next !== undefined && page < maximumPages; page++) {
    const response = await connection.send(next, 'pull', { headers: { accept: mediaTypes.index }, signal });
    // What is no index is some other answer of something that does not know the path.
    const type = response.headers['content-type']?.split(';')[0]?.trim();
    if ([400, 404, 405, 501].includes(response.status) || (response.status === 200 && type !== mediaTypes.index)) {
      await discard(response);
      return undefined;
    }
    if (response.status !== 200) throw await connection.failure(response, `list the referrers of ${subject}`);
    const stored = readManifest(Buffer.from(await response.text()), mediaTypes.index, connection.name);
    if (stored.kind === 'index') found.push(...stored.value.manifests);
    next = nextPage(connection, response.headers.link, next);
  }
  return found;
}

/** The address in `Link: <…>; rel="next"` (RFC 8288), which may be relative to the page that it came with. */
export function nextPage(
  connection: Connection,
  link: string | string[] | undefined,
  page: string | URL,
): URL | undefined {
  const text = Array.isArray(link) ? link.join(', ') : (link ?? '');
  const address = /<([^>]*)>\s*;[^,]*rel="?next"?/i.exec(text)?.[1];
  return address === undefined ? undefined : connection.resolve(address, page);
}

/** Reads the list that is kept under the fallback tag. */
export async function readFallback(target: Target, subject: Digest, options: Options): Promise<Descriptor[]> {
  try {
    const stored = await target.readManifest(fallbackTag(subject), { ...options, fresh: true });
    return stored.kind === 'index' ? stored.value.manifests : [];
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return [];
    throw error;
  }
}

/**
 * Adds a manifest to the list under the fallback tag. Registries cannot compare and swap: who writes at the same time
 * may undo it. So it is read again and written again until it is seen to be there, which makes a loss unlikely and no
 * more. What must not be lost is announced, see `announce`.
 */
export async function writeFallback(
  target: Target,
  subject: Digest,
  manifest: StoredManifest,
  options: Options,
): Promise<void> {
  const entry = describeReferrer(manifest);
  for (let attempt = 0; attempt < 5; attempt++) {
    const manifests = await readFallback(target, subject, options);
    if (manifests.some(({ digest }) => digest === entry.digest)) return;
    const index = storeManifest({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...manifests, entry] });
    await target.writeManifest(index, fallbackTag(subject), options);
  }
  throw new SubpipeError('CONFLICT', `${target.name}: others kept writing the list of referrers of ${subject}`);
}

/** A manifest's entry in the list of referrers. */
export function describeReferrer(manifest: StoredManifest): Descriptor {
  const { artifactType, annotations } = manifest.value;
  const type = artifactType ?? (manifest.kind === 'image' ? manifest.value.config.mediaType : undefined);
  return {
    ...manifest.descriptor,
    ...(type === undefined ? {} : { artifactType: type }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}
