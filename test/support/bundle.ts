import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { digestOf } from '../../runtime/oci/digest.ts';
import { type Descriptor, mediaTypes, type StoredManifest, storeManifest } from '../../runtime/oci/manifest.ts';

/** A blob of an image: its descriptor and its content. */
export interface Blob {
  descriptor: Descriptor;
  bytes: Buffer;
}

/** A Tekton bundle as `tkn bundle push` lays it out: one object a layer, in a tar or, with `raw`, by itself. */
export async function makeBundle(
  objects: readonly { name: string; kind: string; text: string; raw?: boolean }[],
): Promise<{ manifest: StoredManifest; blobs: Blob[] }> {
  const config = blobOf(Buffer.from('{}'), mediaTypes.config);
  const layers = await Promise.all(
    objects.map(async ({ name, kind, text, raw }) => {
      const blob =
        raw === true
          ? blobOf(Buffer.from(text), mediaTypes.layer)
          : blobOf(gzipSync(await tarOf(text)), mediaTypes.layerGzip);
      const annotations = {
        'dev.tekton.image.name': name,
        'dev.tekton.image.kind': kind,
        'dev.tekton.image.apiVersion': 'v1',
      };
      return { ...blob, descriptor: { ...blob.descriptor, annotations } };
    }),
  );
  const manifest = storeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
  });
  return { manifest, blobs: [config, ...layers] };
}

function blobOf(bytes: Buffer, mediaType: string): Blob {
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

async function tarOf(text: string): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: 'object' }, text);
  tar.finalize();
  return buffer(tar);
}
