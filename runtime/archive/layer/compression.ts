import { PassThrough, type Transform } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { mediaTypes } from '../../oci/manifest.ts';

/** How a layer's tar is packed. */
export type Compression = { kind: 'none' } | { kind: 'gzip'; level?: number } | { kind: 'zstd'; level?: number };

/** 1 MiB: zlib's work runs in a thread for each write, and small writes cost more than the compression. */
const chunkSize = 1024 * 1024;

/**
 * A stream that compresses. Level defaults: gzip 6, zstd 3. The same bytes in give the same bytes out: gzip's header
 * has no time and no name. zstd uses one thread: `ZSTD_c_nbWorkers` makes Node cut streams short.
 */
export function compressor(compression: Compression): Transform {
  switch (compression.kind) {
    case 'none':
      return new PassThrough();
    case 'gzip':
      return createGzip({ level: compression.level ?? 6, chunkSize });
    case 'zstd':
      return createZstdCompress({
        chunkSize,
        params: { [constants.ZSTD_c_compressionLevel]: compression.level ?? 3, [constants.ZSTD_c_checksumFlag]: 1 },
      });
    default:
      return compression satisfies never;
  }
}

/** The layer's media type (image-spec, layer.md). */
export function layerMediaType(compression: Compression): string {
  switch (compression.kind) {
    case 'none':
      return mediaTypes.layer;
    case 'gzip':
      return mediaTypes.layerGzip;
    case 'zstd':
      return mediaTypes.layerZstd;
    default:
      return compression satisfies never;
  }
}
