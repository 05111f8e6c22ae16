import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { SubpipeError } from '../errors.ts';
import { loadLibc } from './libc.ts';

/** The program of a thread, beside a bundle: see images/bundle.ts. */
const bundled = 'archive-thread.js';

/** Where the program of a thread is; undefined where somebody has bundled this without it. */
function programFile(): string | undefined {
  // A CommonJS bundle has no import.meta.
  const own: string | undefined = import.meta.filename;
  const file = own === undefined ? join(__dirname, bundled) : join(import.meta.dirname, `thread-main${extname(own)}`);
  return existsSync(file) ? file : undefined;
}

/** Threads that nobody has: a new one takes 40 ms. */
const resting = new Set<Worker>();

/** It does not keep the process alive, and one that breaks down is nobody's loss. */
function rest(worker: Worker): void {
  const drop = () => resting.delete(worker);
  listen(worker, { message() {}, error: drop, exit: drop });
  worker.unref();
  resting.add(worker);
}

interface Listener<Answer> {
  message(answer: Answer): void;
  error(cause: unknown): void;
  exit(): void;
}

/** In place of whoever has listened before. */
function listen<Answer>(worker: Worker, listener: Listener<Answer>): void {
  for (const event of ['message', 'error', 'exit'] as const)
    worker.removeAllListeners(event).on(event, listener[event]);
}

function startWorker(): Worker | undefined {
  const file = programFile();
  if (file === undefined) return undefined;
  // Else each thread keeps for itself what it is done with, 8 MiB of it.
  loadLibc()?.shareMemory();
  // What it makes is short-lived, and large pieces are not on its heap.
  return new Worker(file, { execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 8 } });
}

/**
 * A thread with the program thread-main.ts, which answers in order. Messages wait until they are asked for.
 */
export class Thread<Question, Answer> implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #waiting: Answer[] = [];
  #wake: (() => void) | undefined;
  #failed: unknown;

  private constructor(worker: Worker) {
    this.#worker = worker;
    listen<Answer>(worker, {
      message: (answer) => {
        this.#waiting.push(answer);
        this.#wake?.();
      },
      error: (cause) => this.#fail(new SubpipeError('FAILED', 'a thread broke down', { cause })),
      exit: () => this.#fail(new SubpipeError('FAILED', 'a thread has ended too early')),
    });
    worker.ref();
  }

  /** Undefined where there is no file to start it from: then the work is to be done without. */
  static start<Question, Answer>(): Thread<Question, Answer> | undefined {
    const [rested] = resting;
    if (rested !== undefined) resting.delete(rested);
    const worker = rested ?? startWorker();
    return worker === undefined ? undefined : new Thread(worker);
  }

  /** Whether one has begun already. */
  static get isPrepared(): boolean {
    return resting.size > 0;
  }

  /** Begins so many for those who will {@link start} one, while nobody waits for them. */
  static prepare(count: number): void {
    while (resting.size < count) {
      const worker = startWorker();
      if (worker === undefined) return;
      rest(worker);
    }
  }

  /** @param transfer buffers that this thread can do without from now on. */
  send(question: Question, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(question, transfer);
  }

  /** The next message. @throws what the thread broke down of; the signal's reason. */
  async next(signal?: AbortSignal): Promise<Answer> {
    for (;;) {
      signal?.throwIfAborted();
      const answer = this.#waiting.shift();
      if (answer !== undefined) return answer;
      if (this.#failed !== undefined) throw this.#failed;
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => resolve();
      this.#wake = wake;
      signal?.addEventListener('abort', wake, { once: true });
      await promise;
      // A layer has thousands of messages, and one signal.
      signal?.removeEventListener('abort', wake);
    }
  }

  /** All that was asked is answered: the thread is for the next who starts one. It does not keep the process alive. */
  rest(): void {
    rest(this.#worker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failed ??= new SubpipeError('ABORTED', 'the thread was stopped');
    await this.#worker.terminate();
  }

  #fail(error: SubpipeError): void {
    this.#failed ??= error;
    this.#wake?.();
  }
}
