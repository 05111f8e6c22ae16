import { Readable } from 'node:stream';
import { SubpipeError } from '../errors.ts';
import type { HttpResponse } from '../http.ts';
import { backoff, defaultRetry, pause } from '../retry.ts';
import { type Connection, discard } from './connection.ts';
import type { Descriptor } from './manifest.ts';
import type { Options } from './target.ts';

/** Failures in a row without a byte of progress. */
const attempts = 5;

/** The bytes of a blob that are wanted: from `start` to before `end`. */
interface Part {
  start: number;
  end: number;
  /** No other bytes are to come: a server that ignores `Range` is an error. */
  strict?: boolean;
}

/**
 * Reads a blob, or a part of it. A connection that breaks is made again for the bytes that are missing (RFC 9110,
 * section 14.2); a server that ignores `Range` sends all of it again, and what is known already is skipped.
 *
 * @throws SubpipeError `NOT_FOUND`, `FORBIDDEN` and the like before the first byte; later the stream fails.
 */
export async function download(connection: Connection, blob: Descriptor, part: Part, options: Options) {
  const first = await ask(connection, blob, part, part.start, options);
  return Readable.from(bytes(connection, blob, part, first, options), { objectMode: false });
}

async function* bytes(
  connection: Connection,
  blob: Descriptor,
  part: Part,
  first: Answer,
  options: Options,
): AsyncGenerator<Buffer> {
  const whole = part.start === 0 && part.end === blob.size;
  let at = part.start;
  let answer = first;
  for (let failures = 0; ; ) {
    const before = at;
    let broken: unknown;
    try {
      let { skip } = answer;
      for await (const chunk of answer.response.body as AsyncIterable<Buffer>) {
        const dropped = Math.min(skip, chunk.length);
        skip -= dropped;
        // Of a whole blob nothing is cut off, so that its reader notices when there is too much.
        const wanted = chunk.subarray(dropped, whole ? undefined : dropped + part.end - at);
        at += wanted.length;
        if (wanted.length > 0) yield wanted;
        if (!whole && at >= part.end) return;
      }
      if (whole && isComplete(answer.response)) return;
    } catch (error) {
      broken = error;
    } finally {
      // A reader that leaves early must not keep the connection.
      if (!answer.response.body.readableEnded) answer.response.body.destroy();
    }
    // A connection that breaks behind the last byte took nothing with it.
    if (at >= part.end) return;
    if (options.signal?.aborted) throw options.signal.reason;
    failures = at > before ? 1 : failures + 1;
    if (failures >= attempts || (broken === undefined && isComplete(answer.response)))
      throw ended(connection, blob, part, at, broken);
    await pause(backoff(defaultRetry, failures), options.signal);
    answer = await ask(connection, blob, part, at, options);
  }
}

/** Whether the end of a body is the end that was meant: without a length, a connection that breaks looks the same (HTTP/1.0). */
function isComplete({ headers }: HttpResponse): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

interface Answer {
  response: HttpResponse;
  /** Bytes of it that are not wanted. */
  skip: number;
}

async function ask(
  connection: Connection,
  blob: Descriptor,
  part: Part,
  at: number,
  options: Options,
  // Some storage services answer a range that reaches the end better without it; crane's registry wants it.
  isOpen = part.end === blob.size && part.strict !== true,
): Promise<Answer> {
  const all = at === 0 && part.end === blob.size;
  const range = `bytes=${at}-${isOpen ? '' : part.end - 1}`;
  const response = await connection.send(`blobs/${blob.digest}`, 'pull', {
    signal: options.signal,
    ...(all ? {} : { headers: { range } }),
  });
  if (response.status === 206 && !all) {
    const start = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1];
    if (Number(start) === at) return { response, skip: 0 };
    response.body.destroy();
    throw new SubpipeError('FAILED', `${connection.name} answered ${range} with other bytes of ${blob.digest}`);
  }
  if (response.status === 200) {
    if (part.strict !== true || all) return { response, skip: at };
    response.body.destroy();
    throw new SubpipeError('FAILED', `${connection.name} sends all of ${blob.digest} where a part is asked for`);
  }
  if (response.status === 416 && (isOpen || at > part.start)) {
    await discard(response);
    if (isOpen) return ask(connection, blob, part, at, options, false);
    throw ended(connection, blob, part, at, undefined);
  }
  const error = await connection.failure(response, `read ${blob.digest}`);
  const foreign = /nondistributable|foreign/.test(blob.mediaType) && error.code === 'NOT_FOUND';
  if (!foreign) throw error;
  const hint = 'It is a layer that its maker keeps elsewhere; addresses in a manifest are not followed.';
  throw new SubpipeError('NOT_FOUND', error.message, { hint, status: response.status });
}

function ended(connection: Connection, blob: Descriptor, part: Part, at: number, cause: unknown): SubpipeError {
  const message = `${blob.digest} from ${connection.name} ended after ${at - part.start} of ${part.end - part.start} bytes`;
  return new SubpipeError(cause === undefined ? 'FAILED' : 'UNAVAILABLE', message, { cause });
}
