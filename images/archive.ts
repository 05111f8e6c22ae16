import { createReadStream, createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type Entry, textEntry } from '../runtime/archive/layer/entry.ts';
import { writeLayer } from '../runtime/archive/layer/layer.ts';
import type { Layout } from '../runtime/oci/layout.ts';
import { type Descriptor, mediaTypes } from '../runtime/oci/manifest.ts';

/** Writes one image of a layout, all its platforms, as a tar that `ctr images import` and `skopeo copy oci-archive:` read. */
export async function writeArchive(layout: Layout, image: Descriptor, file: string): Promise<void> {
  const named = (await layout.index()).manifests.filter(({ digest }) => digest === image.digest);
  const index = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: named });
  const blobs = new Map<string, number>();
  await collect(layout, image, blobs);
  const entries: Entry[] = [textEntry('index.json', index), textEntry('oci-layout', '{"imageLayoutVersion":"1.0.0"}')];
  for (const [digest, size] of blobs) {
    const path = `blobs/sha256/${digest.slice('sha256:'.length)}`;
    entries.push({ type: 'file', path, size, open: () => createReadStream(join(layout.folder, path)) });
  }
  await writeLayer(entries, createWriteStream(`${file}.part`), { compression: { kind: 'none' } });
  await rename(`${file}.part`, file);
}

async function collect(layout: Layout, image: Descriptor, blobs: Map<string, number>): Promise<void> {
  blobs.set(image.digest, image.size);
  const manifest = await layout.readManifest(image.digest);
  if (manifest.kind === 'index') for (const child of manifest.value.manifests) await collect(layout, child, blobs);
  else for (const blob of [manifest.value.config, ...manifest.value.layers]) blobs.set(blob.digest, blob.size);
}
