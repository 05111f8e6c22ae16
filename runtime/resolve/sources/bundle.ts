import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { invalid, SubpipeError } from '../../errors.ts';
import type { RegistryOptions } from '../../oci/connection.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Descriptor, ImageManifest } from '../../oci/manifest.ts';
import { formatName, parseLocation } from '../../oci/name.ts';
import { openTarget } from '../../oci/open.ts';
import type { Target } from '../../oci/target.ts';
import { type Downloader, decode } from './download.ts';
import type { Origin } from './origin.ts';

/** Bytes that a tar has around one file: headers, long names, padding. */
const tarOverhead = 1024 * 1024;

/**
 * An object of a Tekton bundle (docs/tekton-bundle-contracts.md): an image with one object a layer, which the layer's annotations
 * name. By digest it never changes; by tag it is the same as long as the image is.
 */
export function bundleOrigin(
  reference: { image: string; name: string; resourceKind: string },
  downloader: Downloader,
  registry: RegistryOptions = {},
): Origin {
  const location = parseLocation(reference.image);
  const kind = reference.resourceKind.toLowerCase();
  const image = location.kind === 'registry' ? formatName(location) : reference.image;
  const from = `bundle ${image} ${kind} ${reference.name}`;
  return {
    from,
    immutable: location.digest !== undefined,
    async read(known, signal) {
      if (location.kind === 'registry') await downloader.check(new URL(`https://${location.registry}`));
      const { target, reference: wanted } = await openTarget(reference.image, registry);
      const { digest, manifest } = await imageOf(target, wanted, signal);
      if (known?.etag === digest) return { kind: 'same' };
      const layer = layerOf(manifest, reference.name, kind, image);
      const bytes = await contentOf(target, layer, downloader.sizeLimit, from, signal);
      return { kind: 'text', text: decode(bytes, from), validators: { etag: digest } };
    },
  };
}

/** The image; of an index the first that it lists, as bundles run nowhere. */
async function imageOf(
  target: Target,
  reference: string,
  signal: AbortSignal | undefined,
): Promise<{ digest: Digest; manifest: ImageManifest }> {
  const stored = await target.readManifest(reference, { signal });
  if (stored.kind === 'image') return { digest: stored.descriptor.digest, manifest: stored.value };
  const [first] = stored.value.manifests;
  const image = first === undefined ? undefined : await target.readManifest(first.digest, { signal });
  if (image?.kind !== 'image')
    throw invalid(`${target.name}@${stored.descriptor.digest} is no Tekton bundle: it holds no image`);
  return { digest: stored.descriptor.digest, manifest: image.value };
}

function layerOf(manifest: ImageManifest, name: string, kind: string, image: string): Descriptor {
  const nameOf = ({ annotations = {} }: Descriptor) => annotations['dev.tekton.image.name'];
  const kindOf = ({ annotations = {} }: Descriptor) => annotations['dev.tekton.image.kind']?.toLowerCase();
  const found = manifest.layers.filter((layer) => nameOf(layer) === name && kindOf(layer) === kind);
  const [layer] = found;
  if (layer !== undefined && found.length === 1) return layer;
  if (found.length > 1)
    throw invalid(`the bundle ${image} has the ${kind} "${name}" ${found.length} times: expected it once`);
  const has = manifest.layers.flatMap((item) => (nameOf(item) === undefined ? [] : `${kindOf(item)} ${nameOf(item)}`));
  throw new SubpipeError('NOT_FOUND', `the bundle ${image} has no ${kind} "${name}"`, {
    hint:
      has.length === 0 ? 'No layer has the annotations of a Tekton bundle.' : `It has ${has.slice(0, 20).join(', ')}.`,
  });
}

/** What a layer holds: one file in a tar, or the object itself; plain, gzip or zstd. */
async function contentOf(
  target: Target,
  layer: Descriptor,
  limit: number,
  from: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const blob = await target.readBlob(layer, { signal });
  const bytes = await unpack(blob, layer.mediaType, limit, from);
  // "ustar" stands at 257 in every tar that tools write today (POSIX pax, "ustar Interchange Format").
  const content = bytes.subarray(257, 262).toString('latin1') === 'ustar' ? await firstFile(bytes) : bytes;
  if (content === undefined) throw invalid(`the layer of ${from} holds no file`);
  if (content.length > limit) throw tooLarge(from, limit);
  return content;
}

async function unpack(blob: Readable, mediaType: string, limit: number, from: string): Promise<Buffer> {
  const unpacker = mediaType.endsWith('zstd')
    ? createZstdDecompress()
    : /gzip$/.test(mediaType)
      ? createGunzip()
      : undefined;
  const stream: Readable = unpacker === undefined ? blob : blob.pipe(unpacker);
  blob.on('error', (error) => stream.destroy(error));
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length;
      // A few kilobytes may unpack to gigabytes: what is counted is what comes out.
      if (size > limit + tarOverhead) throw tooLarge(from, limit);
      chunks.push(chunk);
    }
  } finally {
    blob.destroy();
  }
  return Buffer.concat(chunks);
}

async function firstFile(tar: Buffer): Promise<Buffer | undefined> {
  const { extract } = await import('tar-stream');
  const entries = extract();
  entries.end(tar);
  for await (const entry of entries) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    if (entry.header.type === 'file') return Buffer.concat(chunks);
  }
  return undefined;
}

function tooLarge(from: string, limit: number): SubpipeError {
  return invalid(`${from} is larger than ${limit} bytes, which is the most that one file may have`);
}
