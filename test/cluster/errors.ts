/** What the caller asked for is wrong (exit code 2), or could not be done (exit code 1). One clear sentence each. */
export class ClusterError extends Error {
  readonly exitCode: 1 | 2;

  constructor(message: string, options: { exitCode?: 1 | 2; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'ClusterError';
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The message of anything that was thrown, with the messages of its causes. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause === undefined ? thrown.message : `${thrown.message}: ${messageOf(thrown.cause)}`;
}

/** The `code` of a system error (`ENOENT`), or undefined. */
export function codeOf(thrown: unknown): string | undefined {
  if (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string') return thrown.code;
  return undefined;
}
