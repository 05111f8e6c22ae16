import type { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { asDigest, type Digest } from '../../oci/digest.ts';

/** Hashes what a layer unpacks to, as it passes. */
export interface ContentHash {
  /** The same pieces, each of which is gone when the next is asked for. Read to its end, or the hash is of no more use. */
  through(pieces: AsyncIterable<Buffer>): AsyncIterable<Buffer>;
  /** Of all that has passed. */
  digest(): Digest | Promise<Digest>;
}

/** In this thread. */
export function hashHere(): ContentHash {
  const hash = createHash('sha256');
  return {
    async *through(pieces) {
      for await (const piece of pieces) {
        hash.update(piece);
        yield piece;
      }
    },
    digest: () => asDigest(hash),
  };
}
