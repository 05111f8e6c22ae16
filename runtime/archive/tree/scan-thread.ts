import type { MessagePort } from 'node:worker_threads';
import { allFromLatin1, type BytePath } from '../path.ts';
import { Thread } from '../thread.ts';
import { fromThreadError, type ThreadError, toThreadError } from '../thread-error.ts';
import { width } from './snapshot.ts';
import { type Found, Walk } from './walk.ts';

export interface ScanQuestion {
  kind: 'scan';
  root: string;
  device: number;
  folders: readonly BytePath[];
  /** For each folder, whether one of both has begun with it. */
  claims: Int32Array<SharedArrayBuffer>;
}

/** A part of a thread's table: as {@link Found}. */
type Stretch = Omit<Found, 'table'>;

export type ScanAnswer =
  /** Of the last folder first. Paths have a NUL between them. */
  | { kind: 'scanned'; stretches: Stretch[]; paths: string; numbers: Float64Array<ArrayBuffer> }
  | { kind: 'failed'; error: ThreadError };

/** Things that are looked at before another thread is asked to help, and folders that are left: it takes 40 ms to begin. */
const alone = 2000;
const few = 32;

/**
 * What is in each of some folders, looked at by two threads where that is worth it: this one begins with the first, the
 * other with the last, until they meet.
 *
 * @param threads to be there afterwards, where another helped: those that are missing begin while the last folders are looked at.
 */
export async function scanFolders(
  root: string,
  device: number,
  folders: readonly BytePath[],
  threads: number,
  signal: AbortSignal | undefined,
): Promise<Found[]> {
  const claims = new Int32Array(new SharedArrayBuffer(folders.length * 4));
  const walk = new Walk(root, device);
  const found: Found[] = [];
  let thread: Thread<ScanQuestion, ScanAnswer> | undefined;
  try {
    for (const [i, folder] of folders.entries()) {
      signal?.throwIfAborted();
      if (Atomics.compareExchange(claims, i, 0, 1) !== 0) break;
      found.push(walk.all(folder));
      const isSmall = (walk.table.size < alone && !Thread.isPrepared) || folders.length - i < few;
      if (thread !== undefined || isSmall) continue;
      thread = Thread.start();
      thread?.send({ kind: 'scan', root, device, folders, claims });
    }
    if (thread === undefined) return found;
    Thread.prepare(threads - 1);
    found.push(...fromAnswer(await thread.next(signal)));
    thread.rest();
    return found;
  } catch (error) {
    await thread?.[Symbol.asyncDispose]();
    throw error;
  }
}

function fromAnswer(answer: ScanAnswer): Found[] {
  if (answer.kind === 'failed') throw fromThreadError(answer.error);
  const { stretches, paths, numbers } = answer;
  const table = { paths: paths === '' ? [] : allFromLatin1(paths.split('\0')), numbers };
  return stretches.map((stretch) => ({ ...stretch, table })).reverse();
}

/** What the thread does. */
export function serveScanning(port: MessagePort): (question: ScanQuestion) => void {
  return (question) => {
    const answer = answerTo(question);
    port.postMessage(answer, answer.kind === 'scanned' ? [answer.numbers.buffer] : []);
  };
}

function answerTo({ root, device, folders, claims }: ScanQuestion): ScanAnswer {
  const walk = new Walk(root, device);
  const stretches: Stretch[] = [];
  try {
    for (let i = folders.length - 1; i >= 0 && Atomics.compareExchange(claims, i, 0, 1) === 0; i--) {
      const folder = folders[i];
      if (folder === undefined) break;
      const { table, ...stretch } = walk.all(folder);
      stretches.push(stretch);
    }
  } catch (error) {
    return { kind: 'failed', error: toThreadError(error) };
  }
  const { paths, numbers } = walk.table;
  return { kind: 'scanned', stretches, paths: paths.join('\0'), numbers: numbers.slice(0, paths.length * width) };
}
