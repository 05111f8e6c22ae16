import { SubpipeError } from '../errors.ts';
import { type Digest, digestOf, isDigest } from './digest.ts';

/** Media types of the OCI image-spec v1.1, and of Docker's schema 2, which registries still hand out. */
export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
} as const;

/** Registries need not take more than 4 MiB (distribution-spec v1.1, "Pushing manifests"); neither do we. */
export const manifestLimit = 4 * 1024 * 1024;

/** Points at content by type, digest and size (image-spec, descriptor.md). */
export interface Descriptor {
  mediaType: string;
  digest: Digest;
  /** Bytes. */
  size: number;
  annotations?: Record<string, string>;
  platform?: Platform;
  /** What a manifest is of, where it is no image. */
  artifactType?: string;
}

export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
}

/** image-spec, manifest.md. */
export interface ImageManifest {
  schemaVersion: 2;
  mediaType: string;
  artifactType?: string;
  config: Descriptor;
  layers: Descriptor[];
  /** The manifest that this one is about: a registry lists it as a referrer of that one. */
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

/** image-spec, image-index.md. */
export interface ImageIndex {
  schemaVersion: 2;
  mediaType: string;
  manifests: Descriptor[];
  artifactType?: string;
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

/** A manifest or index as it is stored: its bytes decide its digest, so they are kept as they came. */
export type StoredManifest =
  | { kind: 'image'; descriptor: Descriptor; bytes: Buffer; value: ImageManifest }
  | { kind: 'index'; descriptor: Descriptor; bytes: Buffer; value: ImageIndex };

/** Makes the bytes of a manifest or index. The same value gives the same bytes: keys keep the order they are given in. */
export function storeManifest(value: ImageManifest | ImageIndex): StoredManifest {
  return readManifest(Buffer.from(JSON.stringify(value)), value.mediaType, 'this program');
}

/**
 * Checks and reads a manifest or index.
 *
 * @param type what the server or descriptor called it; the manifest's own `mediaType` must not differ. Without it, the
 *   manifest's own counts.
 * @param source said in errors.
 * @throws SubpipeError `FAILED` when it is larger than 4 MiB, no JSON, of an unknown type or not of the spec's shape.
 */
export function readManifest(bytes: Buffer, type: string | undefined, source: string): StoredManifest {
  if (bytes.length > manifestLimit) throw wrong(source, `is ${bytes.length} bytes, more than ${manifestLimit}`);
  const value = parseJson(bytes, source);
  if (!isRecord(value)) throw wrong(source, 'is not a JSON object');
  if (value.schemaVersion !== 2) throw wrong(source, `has schemaVersion ${String(value.schemaVersion)}, expected 2`);
  const mediaType = type ?? (typeof value.mediaType === 'string' ? value.mediaType : '');
  if (value.mediaType !== undefined && value.mediaType !== mediaType) {
    throw wrong(source, `calls itself ${String(value.mediaType)} but was given as ${mediaType}`);
  }
  const descriptor: Descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  const more = {
    ...(typeof value.artifactType === 'string' ? { artifactType: value.artifactType } : {}),
    ...(value.subject === undefined ? {} : { subject: readDescriptor(value.subject, source, 'subject') }),
    ...(isTextMap(value.annotations) ? { annotations: value.annotations } : {}),
  };
  switch (mediaType) {
    case mediaTypes.index:
    case mediaTypes.dockerIndex: {
      const manifests = descriptors(value.manifests, source, 'manifests');
      return { kind: 'index', descriptor, bytes, value: { schemaVersion: 2, mediaType, manifests, ...more } };
    }
    case mediaTypes.manifest:
    case mediaTypes.dockerManifest: {
      const config = readDescriptor(value.config, source, 'config');
      const layers = descriptors(value.layers, source, 'layers');
      const manifest = { schemaVersion: 2 as const, mediaType, config, layers, ...more };
      return { kind: 'image', descriptor, bytes, value: manifest };
    }
    default:
      throw wrong(source, `has the media type ${mediaType || '(none)'}, which is no image manifest and no image index`);
  }
}

/** Whether a descriptor points at a manifest or index, and not at a blob. */
export function isManifestType(mediaType: string): boolean {
  return (
    mediaType === mediaTypes.index ||
    mediaType === mediaTypes.manifest ||
    mediaType === mediaTypes.dockerIndex ||
    mediaType === mediaTypes.dockerManifest
  );
}

/** `linux/arm64` or `linux/arm/v7`. */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter((part) => part !== undefined).join('/');
}

function descriptors(value: unknown, source: string, field: string): Descriptor[] {
  if (!Array.isArray(value)) throw wrong(source, `has no list "${field}"`);
  return value.map((item, index) => readDescriptor(item, source, `${field}[${index}]`));
}

/** Checks one descriptor. Fields that this project does not use are left out; `urls` is one: nobody is to follow them. */
export function readDescriptor(value: unknown, source: string, field: string): Descriptor {
  if (!isRecord(value)) throw wrong(source, `has no descriptor "${field}"`);
  const { mediaType, digest, size, platform } = value;
  if (typeof mediaType !== 'string') throw wrong(source, `has no media type in ${field}`);
  if (typeof digest !== 'string' || !isDigest(digest)) throw wrong(source, `has no sha256 digest in ${field}`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw wrong(source, `has no size in ${field}`);
  return {
    mediaType,
    digest,
    size,
    ...(isTextMap(value.annotations) ? { annotations: value.annotations } : {}),
    ...(isPlatform(platform) ? { platform: pickPlatformFields(platform) } : {}),
    ...(typeof value.artifactType === 'string' ? { artifactType: value.artifactType } : {}),
  };
}

function pickPlatformFields({ os, architecture, variant }: Platform): Platform {
  return { os, architecture, ...(typeof variant === 'string' ? { variant } : {}) };
}

function isPlatform(value: unknown): value is Platform {
  return isRecord(value) && typeof value.os === 'string' && typeof value.architecture === 'string';
}

function isTextMap(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((item) => typeof item === 'string');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws SubpipeError `FAILED` when it is not JSON. */
export function parseJson(bytes: Buffer, source: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new SubpipeError('FAILED', `the manifest from ${source} is not JSON`, { cause });
  }
}

function wrong(source: string, what: string): SubpipeError {
  return new SubpipeError('FAILED', `the manifest from ${source} ${what}`);
}
