import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../runtime/errors.ts';
import { announcementTag, isAnnouncement, parentsOf } from '../../runtime/oci/announce.ts';
import { type Digest, digestOf } from '../../runtime/oci/digest.ts';
import { Layout } from '../../runtime/oci/layout.ts';
import type { StoredManifest } from '../../runtime/oci/manifest.ts';
import { createdAnnotation } from '../../runtime/workspace/cache/tag.ts';
import { expiryIn } from '../../runtime/workspace/compose.ts';
import { readWorkspaceImage } from '../../runtime/workspace/image.ts';
import type { Place } from '../../runtime/workspace/reference.ts';

/** A tag, and what is known of the image that it names. */
export interface Tagged {
  tag: string;
  digest: Digest;
  /** Written by a push for itself, and by nobody else. */
  isAnnouncement: boolean;
  /** The tag that it was announced for, or what its name begins with; of other tags the tag itself. */
  group: string;
  parents: readonly Digest[];
  /** Other manifests: an index has images, a signature is about one. */
  needs: readonly Digest[];
  /** Ms since 1970; undefined where nothing tells. */
  created: number | undefined;
  /** The label of `quay.expires-after`. */
  expiresAfter: string | undefined;
}

const parallel = 8;

/** All tags of a place. @throws SubpipeError of the registry's. */
export async function inventoryOf(place: Place, signal: AbortSignal): Promise<Tagged[]> {
  const { target } = place;
  const tags = await target.listTags({ signal });
  const known = place.tag === undefined ? tags : [...tags, place.tag];
  const prefixes = new Map(known.map((tag) => [announcementTag(tag, digestOf('')).slice(0, -24), tag]));
  const found: Tagged[] = [];
  const queue = tags.values();
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (const tag of queue) {
        const manifest = await target.readManifest(tag, { signal, fresh: true }).catch((error: unknown) => {
          if (hasCode(error, 'NOT_FOUND')) return undefined; // taken away since
          throw error;
        });
        if (manifest === undefined) continue;
        const { digest } = manifest.descriptor;
        const prefix = tag.slice(0, -24);
        // What somebody has moved is a tag like any other.
        const own = isAnnouncement(tag) && announcementTag('', digest).slice(1) === tag.slice(-24);
        found.push({
          tag,
          digest,
          isAnnouncement: own,
          group: own ? (prefixes.get(prefix) ?? prefix) : tag,
          parents: parentsOf(manifest),
          needs: needsOf(manifest),
          ...(await ageOf(place, manifest, signal)),
        });
      }
    }),
  );
  return found.sort((a, b) => (a.tag < b.tag ? -1 : 1));
}

function needsOf({ kind, value }: StoredManifest): Digest[] {
  const children = kind === 'index' ? value.manifests : [];
  return [...children, ...(value.subject === undefined ? [] : [value.subject])].map(({ digest }) => digest);
}

async function ageOf(place: Place, manifest: StoredManifest, signal: AbortSignal) {
  if (manifest.kind === 'index') return { created: await fileTime(place, manifest), expiresAfter: undefined };
  const image = await readWorkspaceImage(place.name, place, manifest, { signal });
  const { annotations } = manifest.value;
  const said = image.config?.created ?? annotations?.[createdAnnotation];
  const time = said === undefined ? Number.NaN : Date.parse(said);
  return {
    created: Number.isNaN(time) ? await fileTime(place, manifest) : time,
    expiresAfter: expiryIn(image),
  };
}

/** In a folder there is a file, and it knows when it was written. */
async function fileTime({ target }: Place, { descriptor }: StoredManifest): Promise<number | undefined> {
  if (!(target instanceof Layout)) return undefined;
  const file = join(target.folder, 'blobs', 'sha256', descriptor.digest.slice('sha256:'.length));
  return (await stat(file).catch(() => undefined))?.mtimeMs;
}
