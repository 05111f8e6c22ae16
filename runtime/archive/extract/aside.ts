import { Buffer } from 'node:buffer';
import { SubpipeError } from '../../errors.ts';
import { release } from '../collect.ts';
import { Thread } from '../thread.ts';
import { fromThreadError, type ThreadError, toThreadError } from '../thread-error.ts';
import { type Batch, writeBatch } from './batch.ts';
import { type FolderBatch, finishFolders } from './folders.ts';
import { Inside } from './inside.ts';

/** What both questions have. */
interface Shared {
  root: string;
  /** Batches that are done; whether the rest is to be passed over, as one has failed. */
  state: SharedArrayBuffer;
  /** What failed, as JSON. */
  failure: SharedArrayBuffer;
}

export type WriteQuestion =
  /** New files, whose content is in `memory`. */
  (Shared & { kind: 'write'; batch: Batch; memory: ArrayBuffer }) | (Shared & { kind: 'finish'; folders: FolderBatch });

/** Batches that are sent and not done: while the thread writes one, it has the next. */
const ahead = 2;
/** A disk that takes longer for a batch is broken. */
const patienceMs = 300_000;

/**
 * Another thread that writes batches while this one reads on, in their order. Their folders are there, and nothing is at
 * their paths; whoever changes that calls {@link settle} before.
 */
export class Aside implements AsyncDisposable {
  readonly #thread: Thread<WriteQuestion, never>;
  readonly #root: string;
  readonly #state = new Int32Array(new SharedArrayBuffer(8));
  readonly #failure = new SharedArrayBuffer(16 * 1024);
  #sent = 0;
  #isLost = false;

  private constructor(root: string, thread: Thread<WriteQuestion, never>) {
    this.#root = root;
    this.#thread = thread;
  }

  /** Undefined where there is no file to start a thread from. */
  static start(root: string): Aside | undefined {
    const thread = Thread.start<WriteQuestion, never>();
    return thread === undefined ? undefined : new Aside(root, thread);
  }

  /** Batches so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Of these, what is in the folder. @throws what writing one has failed of. */
  get done(): number {
    const done = Atomics.load(this.#state, 0);
    if (Atomics.load(this.#state, 1) !== 0) throw this.#error();
    return done;
  }

  /** Whether it would begin before long: otherwise who asks is as fast. */
  get isFree(): boolean {
    return this.#sent - this.done < ahead;
  }

  /** `memory` is gone for this thread. */
  send(batch: Batch, memory: ArrayBuffer): void {
    this.#thread.send({ kind: 'write', ...this.#shared, batch, memory }, [memory, batch.parts.buffer]);
    this.#sent++;
  }

  /** Files are all there. What is told of the folders counts once {@link settle} is back. */
  finish(folders: FolderBatch): void {
    this.#thread.send({ kind: 'finish', ...this.#shared, folders });
    this.#sent++;
  }

  get #shared(): Shared {
    return { root: this.#root, state: this.#state.buffer, failure: this.#failure };
  }

  /** All that was sent is in the folder. @throws what writing one has failed of. */
  settle(): void {
    // Without the event loop: what reads a tar is synchronous, and a batch takes some milliseconds.
    for (let done = this.done; done < this.#sent; done = this.done) {
      if (Atomics.wait(this.#state, 0, done, patienceMs) !== 'timed-out') continue;
      this.#isLost = true;
      throw new SubpipeError('FAILED', 'a thread that writes files does not go on');
    }
  }

  /** Nothing more is written. Never fails. */
  stop(): void {
    if (Atomics.load(this.#state, 1) === 0) Atomics.store(this.#state, 1, 2);
    for (
      let done = Atomics.load(this.#state, 0);
      done < this.#sent && !this.#isLost;
      done = Atomics.load(this.#state, 0)
    ) {
      this.#isLost = Atomics.wait(this.#state, 0, done, patienceMs) === 'timed-out';
    }
  }

  #error(): Error {
    if (Atomics.load(this.#state, 1) === 2) return new SubpipeError('ABORTED', 'the thread was stopped');
    const text = Buffer.from(new Uint8Array(this.#failure)).toString('utf8');
    const failure: ThreadError = JSON.parse(text.slice(0, text.indexOf('\0')));
    return fromThreadError(failure);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
  }
}

/** What the thread does. */
export function serveWriting(question: WriteQuestion): void {
  const state = new Int32Array(question.state);
  try {
    if (Atomics.load(state, 1) === 0) write(question);
  } catch (error) {
    const { message, ...rest } = toThreadError(error);
    const whole = Buffer.from(JSON.stringify({ ...rest, message }));
    const short = JSON.stringify({ code: rest.code, message: message.slice(0, 2000) });
    new Uint8Array(question.failure).set(whole.length < question.failure.byteLength ? whole : Buffer.from(short));
    Atomics.compareExchange(state, 1, 0, 1);
  }
  if (question.kind === 'write') release(Buffer.from(question.memory));
  Atomics.add(state, 0, 1);
  Atomics.notify(state, 0);
}

function write(question: WriteQuestion): void {
  using inside = new Inside(question.root);
  if (question.kind === 'finish') finishFolders(inside, question.folders);
  else writeBatch((path) => inside.at(path), question.batch, question.memory);
}
