import { createHash, type Hash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { SubpipeError } from '../errors.ts';

/** `sha256:` and 64 hex digits (OCI image-spec, descriptor.md "Digests"). Other algorithms are not accepted. */
export type Digest = `sha256:${string}`;

const pattern = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return pattern.test(text);
}

export function digestOf(bytes: string | Uint8Array): Digest {
  return asDigest(createHash('sha256').update(bytes));
}

export function asDigest(hash: Hash): Digest {
  return `sha256:${hash.digest('hex')}`;
}

/** Counts and hashes the bytes that pass; `digest` and `size` are there once the stream has ended. */
export class Meter extends Transform {
  readonly #hash = createHash('sha256');
  #digest: Digest | undefined;
  size = 0;

  get digest(): Digest {
    if (this.#digest === undefined) throw new Error('the stream has not ended yet');
    return this.#digest;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    this.size += chunk.length;
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    this.#digest = asDigest(this.#hash);
    done();
  }
}

/**
 * Passes on exactly what a descriptor promises. More bytes fail at the first one too many; fewer bytes or another
 * digest fail at the end, so a reader must not publish what it read before the stream has ended well.
 *
 * @param source said in the error, so that people know which side was wrong.
 */
export class Verifier extends Transform {
  readonly #hash = createHash('sha256');
  readonly #expected: { digest: string; size: number };
  readonly #source: string;
  #size = 0;

  constructor(expected: { digest: string; size: number }, source: string) {
    super();
    this.#expected = expected;
    this.#source = source;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#size += chunk.length;
    if (this.#size > this.#expected.size) {
      done(this.#wrong(`is larger than its ${this.#expected.size} bytes`));
      return;
    }
    this.#hash.update(chunk);
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    if (this.#size < this.#expected.size) {
      done(this.#wrong(`ended after ${this.#size} of ${this.#expected.size} bytes`));
      return;
    }
    const digest = asDigest(this.#hash);
    done(digest === this.#expected.digest ? null : this.#wrong(`has the digest ${digest}`));
  }

  #wrong(what: string): SubpipeError {
    return new SubpipeError('FAILED', `${this.#expected.digest} from ${this.#source} ${what}`);
  }
}
