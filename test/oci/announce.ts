import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { announce, gather, parentsAnnotationOf } from '../../runtime/oci/announce.ts';
import type { Digest } from '../../runtime/oci/digest.ts';
import { mediaTypes, type StoredManifest, storeManifest } from '../../runtime/oci/manifest.ts';
import type { Target } from '../../runtime/oci/target.ts';
import { blobOf, put } from './helpers.ts';

/** An image of its own in `target`, made from `parents`. It is not announced yet. */
export async function image(target: Target, parents: Digest[] = []): Promise<StoredManifest> {
  const config = Buffer.from(
    JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } }),
  );
  const layer = randomBytes(1000);
  await put(target, config, mediaTypes.config);
  await put(target, layer, mediaTypes.layer);
  return storeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: blobOf(config, mediaTypes.config),
    layers: [blobOf(layer, mediaTypes.layer)],
    annotations: parentsAnnotationOf(parents),
  });
}

export const digests = (manifests: StoredManifest[]) => manifests.map(({ descriptor }) => descriptor.digest).sort();

/** Twenty writers, each with a target of its own, announce at once: all are gathered; one that merges them is alone. */
export async function announceAtOnce(open: () => Promise<Target>, tag: string): Promise<void> {
  const all = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const target = await open();
      const manifest = await image(target);
      await announce(target, tag, manifest);
      return manifest;
    }),
  );
  const reader = await open();
  const found = await gather(reader, tag);
  assert.deepEqual(digests(found), digests(all));
  const merged = await image(reader, digests(found));
  await announce(reader, tag, merged);
  assert.deepEqual(digests(await gather(reader, tag)), digests([merged]));
  const named = await reader.readManifest(tag);
  assert.equal(named.descriptor.digest, merged.descriptor.digest);
}
