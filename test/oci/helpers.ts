import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { digestOf } from '../../runtime/oci/digest.ts';
import { type Descriptor, mediaTypes, type StoredManifest, storeManifest } from '../../runtime/oci/manifest.ts';
import type { Target } from '../../runtime/oci/target.ts';

export const anonymous = () => ({ kind: 'anonymous' as const });

export function scratch(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'subpipe-test-'));
}

export function blobOf(bytes: Buffer, mediaType: string = mediaTypes.layer): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

export function put(target: Target, bytes: Buffer, mediaType?: string): Promise<unknown> {
  return target.writeBlob(blobOf(bytes, mediaType), () => Readable.from([bytes]));
}

/** A source whose buffers are overwritten as soon as they are told of as written: who still looks at one sends that. */
export class Overwritten {
  readonly #content: Buffer;
  /** Buffers that were given and not told of. */
  readonly left = new Set<Buffer>();

  constructor(content: Buffer) {
    this.#content = content;
  }

  readonly open = (): Readable => Readable.from(this.#copies(), { objectMode: false });

  readonly written = (bytes: Buffer): void => {
    this.left.delete(bytes);
    bytes.fill('?');
  };

  *#copies(): Generator<Buffer> {
    for (let at = 0; at < this.#content.length; at += 60_000) {
      const copy = Buffer.from(this.#content.subarray(at, at + 60_000));
      this.left.add(copy);
      yield copy;
    }
  }
}

export async function read(stream: Readable | Promise<Readable>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** An index of two images that share a layer, in `target` under `tag`. */
export async function sample(target: Target, tag: string): Promise<StoredManifest> {
  const shared = randomBytes(200_000);
  await put(target, shared, mediaTypes.layerGzip);
  const manifests: Descriptor[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const config = Buffer.from(JSON.stringify({ os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: [] } }));
    await put(target, config, mediaTypes.config);
    const image = storeManifest({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: blobOf(config, mediaTypes.config),
      layers: [blobOf(shared, mediaTypes.layerGzip)],
    });
    await target.writeManifest(image);
    manifests.push({ ...image.descriptor, platform: { os: 'linux', architecture } });
  }
  const index = storeManifest({ schemaVersion: 2, mediaType: mediaTypes.index, manifests });
  await target.writeManifest(index, tag);
  return index;
}
