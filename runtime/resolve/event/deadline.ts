import { type Context, createContext, Script } from 'node:vm';
import { SubpipeError } from '../../errors.ts';

const script = new Script('work()');

/** Made once: a context takes a millisecond, and a repository may have many expressions. */
let context: Context | undefined;

/**
 * Runs synchronous `work` and stops it after so many milliseconds of time: an expression of a hostile repository may nest
 * loops as deep as it likes. `what` is named in the error.
 *
 * This is no sandbox: `work` runs in this realm with all its rights. The engine only interrupts it.
 *
 * @throws SubpipeError `INVALID` when time is up; and what `work` throws.
 */
export function within<T>(milliseconds: number, what: string, work: () => T): T {
  let result: { value: T } | undefined;
  context ??= createContext({});
  context.work = () => {
    result = { value: work() };
  };
  try {
    script.runInContext(context, { timeout: milliseconds });
  } catch (error) {
    if (!isTimeout(error)) throw error;
    throw new SubpipeError('INVALID', `${what} takes too long: it was stopped after ${milliseconds} ms`, {
      hint: 'Make the expression simpler: loops in loops over the changed files grow fast.',
    });
  } finally {
    context.work = undefined;
  }
  if (result === undefined) throw new Error('the work ended without a result');
  return result.value;
}

function isTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  );
}
