import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { invalid, SubpipeError } from '../errors.ts';

/** What git has under a name. `link` is one that leads to no file of the same tree. */
export type GitObject =
  | { kind: 'commit' | 'tree' | 'tag'; id: string; bytes: Buffer }
  | { kind: 'blob'; id: string; size: number; bytes: Buffer }
  | { kind: 'link'; why: 'symlink' | 'dangling' | 'loop' | 'notdir' };

/**
 * The objects of a git repository, all read by one process (git-cat-file, `--batch --follow-symlinks`), which runs until it is disposed of.
 * Names are git's: `main`, `COMMIT:path/in/it`, an id.
 */
export class GitObjects implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #most: number;
  readonly #folder: string;
  readonly #signal: AbortSignal | undefined;
  #rest = Buffer.alloc(0);
  #said = '';
  #failed: Error | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @param most Bytes of one object that are kept; of a larger one only `size` is told. */
  constructor(folder: string, options: { env: NodeJS.ProcessEnv; most: number; signal?: AbortSignal | undefined }) {
    const { PATH = '', HOME = '' } = options.env;
    this.#folder = folder;
    this.#most = options.most;
    this.#signal = options.signal;
    const child = spawn('git', ['cat-file', '--batch', '--follow-symlinks'], {
      cwd: folder,
      env: { PATH, HOME, LC_ALL: 'C', LANG: 'C', GIT_OPTIONAL_LOCKS: '0' },
      stdio: 'pipe',
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    child.on('error', (error) => {
      this.#failed = error;
    });
    child.stdin.on('error', () => {}); // the end of the process says it better
    child.stderr.on('data', (chunk: Buffer) => {
      this.#said = `${this.#said}${chunk}`.slice(-2000);
    });
    this.#child = child;
    this.#chunks = child.stdout[Symbol.asyncIterator]();
  }

  /** @throws SubpipeError `INVALID` where there is no git, or no repository that git reads. */
  read(name: string): Promise<GitObject | undefined> {
    const reading = this.#last.then(() => this.#read(name));
    this.#last = reading.catch(() => {});
    return reading;
  }

  async #read(name: string): Promise<GitObject | undefined> {
    // A process that is being ended may still answer.
    this.#signal?.throwIfAborted();
    if (/[\n\0]/.test(name)) return undefined;
    this.#child.stdin.write(`${name}\n`);
    const head = await this.#line();
    const [, why, length] = /^(symlink|dangling|loop|notdir) (\d+)$/.exec(head) ?? [];
    if (why === 'symlink' || why === 'dangling' || why === 'loop' || why === 'notdir') {
      await this.#bytes(Number(length) + 1);
      return { kind: 'link', why };
    }
    const [, id = '', kind, digits] = /^([0-9a-f]{40,64}) (blob|tree|commit|tag) (\d+)$/.exec(head) ?? [];
    if (digits === undefined) return undefined;
    const size = Number(digits);
    const bytes = (await this.#bytes(size + 1)).subarray(0, size);
    if (kind === 'blob') return { kind, id, size, bytes };
    return kind === 'tree' || kind === 'commit' || kind === 'tag' ? { kind, id, bytes } : undefined;
  }

  async #line(): Promise<string> {
    let end = this.#rest.indexOf(10);
    while (end < 0) {
      this.#rest = Buffer.concat([this.#rest, await this.#more()]);
      end = this.#rest.indexOf(10);
    }
    const line = this.#rest.subarray(0, end).toString();
    this.#rest = this.#rest.subarray(end + 1);
    return line;
  }

  async #bytes(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0; ) {
      if (this.#rest.length === 0) this.#rest = await this.#more();
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      if (count <= this.#most + 1) parts.push(part);
    }
    return Buffer.concat(parts);
  }

  async #more(): Promise<Buffer<ArrayBuffer>> {
    const { value, done } = await this.#chunks.next().catch((error: unknown) => {
      throw this.#failed ?? error;
    });
    if (done !== true && Buffer.isBuffer(value)) return Buffer.from(value);
    if (this.#child.exitCode === null && this.#failed === undefined) await once(this.#child, 'close').catch(() => {});
    const failed = this.#failed;
    if (failed !== undefined && 'code' in failed && failed.code === 'ENOENT') {
      throw invalid('a revision is read by the program git, which is not installed');
    }
    if (failed?.name === 'AbortError') throw new SubpipeError('ABORTED', 'stopped', { cause: failed });
    throw invalid(`git cannot read the repository ${this.#folder}`, {
      cause: failed ?? new Error(this.#said.trim() || `git ended with ${this.#child.exitCode}`),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode, pid } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.stdin.end();
    this.#child.stdout.destroy();
    await closed.catch(() => {});
  }
}
