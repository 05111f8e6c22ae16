import { plain } from './plain.ts';
import { redact } from './redact.ts';

/**
 * What went wrong, as a closed set. Each code has one exit code, see {@link exitCodeOf}.
 *
 * - `INVALID`: the input is wrong (a flag, a file, a field).
 * - `FAILED`: what the step was asked to do ended badly (a child run failed, results too large).
 * - `NOT_FOUND`, `CONFLICT`, `FORBIDDEN`: what the API or registry said.
 * - `UNAVAILABLE`: an outside service failed for good, after retries.
 * - `ABORTED`: a signal or a timeout of ours ended the work.
 */
export type ErrorCode = 'INVALID' | 'FAILED' | 'NOT_FOUND' | 'CONFLICT' | 'FORBIDDEN' | 'UNAVAILABLE' | 'ABORTED';

/** The one error class. Its message is one sentence for people; secrets are removed when it is made. */
export class SubpipeError extends Error {
  override readonly name = 'SubpipeError';
  readonly code: ErrorCode;
  /** What the user can do about it, as a sentence. */
  readonly hint: string | undefined;
  /** The HTTP status behind it, if there was one. */
  readonly status: number | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; hint?: string; status?: number } = {}) {
    super(redact(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint === undefined ? undefined : redact(options.hint);
    this.status = options.status;
  }
}

/** Bad input: names the flag, file or field, what was expected and what came. */
export function invalid(message: string, options: { cause?: unknown; hint?: string } = {}): SubpipeError {
  return new SubpipeError('INVALID', message, options);
}

/** Exit code of a step: 1 what it was asked to do failed, 2 bad input, 3 an outside service failed for good. */
export function exitCodeOf(error: unknown): 1 | 2 | 3 {
  if (!(error instanceof SubpipeError)) return 1;
  switch (error.code) {
    case 'INVALID':
      return 2;
    case 'FORBIDDEN':
    case 'UNAVAILABLE':
      return 3;
    case 'FAILED':
    case 'NOT_FOUND':
    case 'CONFLICT':
    case 'ABORTED':
      return 1;
    default:
      return error.code satisfies never;
  }
}

/** True when `error` is a {@link SubpipeError} with this code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof SubpipeError && error.code === code;
}

/** One sentence: the message, its chain of causes and the hint. Never contains a registered secret, nor commands to a terminal. */
export function explain(error: unknown): string {
  const parts: string[] = [];
  const hints: string[] = [];
  const seen = new Set<unknown>();
  for (let at: unknown = error; at !== undefined && at !== null && !seen.has(at); ) {
    seen.add(at);
    const message = at instanceof Error ? at.message : String(at);
    // A cause is often quoted in the message already (fetch-style wrappers): say it once.
    if (message !== '' && !parts.some((said) => said.includes(message))) parts.push(message);
    if (at instanceof SubpipeError && at.hint !== undefined) hints.push(at.hint);
    at = at instanceof Error ? at.cause : undefined;
  }
  const sentence = parts.join(': ').trim();
  const ended = /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
  return plain(redact([ended, ...hints].join(' ')));
}
