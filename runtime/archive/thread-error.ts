import { type ErrorCode, SubpipeError } from '../errors.ts';

/** An error on its way from one thread to another, which would lose its class. */
export interface ThreadError {
  /** Of a {@link SubpipeError}. */
  code: ErrorCode | undefined;
  message: string;
  hint: string | undefined;
  cause: ThreadError | undefined;
}

export function toThreadError(error: unknown): ThreadError {
  const known = error instanceof SubpipeError;
  const cause = error instanceof Error ? error.cause : undefined;
  return {
    code: known ? error.code : undefined,
    message: error instanceof Error ? error.message : String(error),
    hint: known ? error.hint : undefined,
    cause: cause === undefined ? undefined : toThreadError(cause),
  };
}

export function fromThreadError({ code, message, hint, cause }: ThreadError): Error {
  const inner = cause === undefined ? {} : { cause: fromThreadError(cause) };
  if (code === undefined) return new Error(message, inner);
  return new SubpipeError(code, message, { ...inner, ...(hint === undefined ? {} : { hint }) });
}
