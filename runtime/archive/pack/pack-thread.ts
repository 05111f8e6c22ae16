import { Buffer } from 'node:buffer';
import type { MessagePort } from 'node:worker_threads';
import { movable } from '../collect.ts';
import type { Thread } from '../thread.ts';
import { fromThreadError, type ThreadError, toThreadError } from '../thread-error.ts';
import { type ChangeColumns, fromColumns, toColumns } from '../tree/change-columns.ts';
import type { Changes } from '../tree/changes.ts';
import { type PackedTree, packTree, type WriteTreeOptions } from './write-tree.ts';

/** What can be told to another thread. */
type PlainOptions = Omit<WriteTreeOptions, 'progress' | 'signal'>;

export type PackQuestion =
  | { kind: 'pack'; root: string; changes: ChangeColumns; options: PlainOptions; parallel: number | undefined }
  | { kind: 'more' };

export type PackAnswer =
  | { kind: 'piece'; bytes: Uint8Array<ArrayBuffer>; tarSize: number; changes: number }
  | { kind: 'packed'; packed: PackedTree }
  | { kind: 'failed'; error: ThreadError };

export type PackThread = Thread<PackQuestion, PackAnswer>;

/** Pieces on their way, so that a thread never waits for the network while that is fast enough. */
const ahead = 2;

/** Begins {@link packTree} in a thread, whatever {@link packedBy} is waiting for until it reads: a registry's answer. */
export function askToPack(
  thread: PackThread,
  tree: { root: string },
  changes: Changes,
  { progress: _, signal: __, ...options }: WriteTreeOptions,
  parallel: number | undefined,
): void {
  const columns = toColumns(changes);
  thread.send({ kind: 'pack', root: tree.root, changes: columns, options, parallel }, [columns.numbers.buffer]);
}

/** What a thread packs. It is as good as new after it, unless this is left early: then end it. */
export async function* packedBy(
  thread: PackThread,
  changes: Changes,
  { progress, signal }: WriteTreeOptions,
): AsyncGenerator<Buffer, PackedTree> {
  for (;;) {
    const answer = await thread.next(signal);
    switch (answer.kind) {
      case 'piece':
        progress?.(answer.tarSize, answer.changes);
        yield Buffer.from(answer.bytes.buffer, answer.bytes.byteOffset, answer.bytes.length);
        thread.send({ kind: 'more' });
        break;
      case 'packed':
        progress?.(answer.packed.tarSize, changes.length);
        return answer.packed;
      case 'failed':
        throw fromThreadError(answer.error);
      default:
        answer satisfies never;
    }
  }
}

/** What the thread does. */
export function servePacking(port: MessagePort): (question: PackQuestion) => void {
  let room = 0;
  let wake: (() => void) | undefined;
  const answer = (message: PackAnswer, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  const pack = async ({ root, changes, options, parallel }: PackQuestion & { kind: 'pack' }): Promise<void> => {
    room = ahead;
    let told = { tarSize: 0, changes: 0 };
    const count = (tarSize: number, done: number): void => {
      told = { tarSize, changes: done };
    };
    const pieces = packTree({ root }, fromColumns(changes), { ...options, progress: count }, parallel);
    for (;;) {
      const next = await pieces.next();
      if (next.done === true) {
        answer({ kind: 'packed', packed: next.value });
        return;
      }
      const bytes = movable(next.value);
      answer({ kind: 'piece', bytes, ...told }, [bytes.buffer]);
      room--;
      while (room === 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
    }
  };
  return (question) => {
    if (question.kind === 'more') {
      room++;
      wake?.();
      return;
    }
    pack(question).catch((error: unknown) => answer({ kind: 'failed', error: toThreadError(error) }));
  };
}
