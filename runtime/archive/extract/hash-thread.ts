import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { MessagePort } from 'node:worker_threads';
import { asDigest, type Digest } from '../../oci/digest.ts';
import { movable, release } from '../collect.ts';
import type { ContentHash } from '../layer/content-hash.ts';
import type { Thread } from '../thread.ts';

export type HashQuestion = { kind: 'hash'; piece: Uint8Array<ArrayBuffer> } | { kind: 'digest' };

/** In the order of the questions. */
export type HashAnswer = { kind: 'hashed'; piece: Uint8Array<ArrayBuffer> } | { kind: 'digest'; digest: Digest };

/** Pieces of some 2 MiB that are sent and not back: other questions may come between. */
const ahead = 3;

/** Hashes in another thread, one layer at a time. */
export function hashThere<Other>(
  thread: Thread<HashQuestion | Other, HashAnswer>,
  signal: AbortSignal | undefined,
): ContentHash {
  const answerOf = async <Kind extends HashAnswer['kind']>(kind: Kind): Promise<HashAnswer & { kind: Kind }> => {
    const answer = await thread.next(signal);
    if (!isOf(answer, kind)) throw new Error('unreachable: answers come in the order of the questions');
    return answer;
  };
  const next = async function* (): AsyncGenerator<Buffer> {
    const { buffer, byteOffset, length } = (await answerOf('hashed')).piece;
    const piece = Buffer.from(buffer, byteOffset, length);
    yield piece;
    release(piece);
  };
  return {
    async *through(pieces) {
      let sent = 0;
      for await (const bytes of pieces) {
        const piece = movable(bytes);
        thread.send({ kind: 'hash', piece }, [piece.buffer]);
        if (sent < ahead) sent++;
        else yield* next();
      }
      for (; sent > 0; sent--) yield* next();
    },
    async digest() {
      thread.send({ kind: 'digest' });
      return (await answerOf('digest')).digest;
    },
  };
}

function isOf<Kind extends HashAnswer['kind']>(answer: HashAnswer, kind: Kind): answer is HashAnswer & { kind: Kind } {
  return answer.kind === kind;
}

/** What the thread does. */
export function serveHashing(port: MessagePort): (question: HashQuestion) => void {
  let hash = createHash('sha256');
  const answer = (message: HashAnswer, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  return (question) => {
    if (question.kind === 'hash') {
      const { piece } = question;
      hash.update(piece);
      answer({ kind: 'hashed', piece }, [piece.buffer]);
    } else {
      answer({ kind: 'digest', digest: asDigest(hash) });
      hash = createHash('sha256');
    }
  };
}
