/**
 * Does several things at once. Where one fails the others are told to stop, and are waited for: nothing goes on behind an
 * error, and what is tried again meets nothing of the first try.
 *
 * @param begin gets the signal for all of them.
 * @throws what the first one failed of.
 */
export async function together<Parts extends readonly unknown[]>(
  signal: AbortSignal | undefined,
  begin: (signal: AbortSignal) => readonly [...Parts],
): Promise<{ -readonly [I in keyof Parts]: Awaited<Parts[I]> }> {
  const stop = new AbortController();
  const parts = begin(signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]));
  try {
    return await Promise.all(parts);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(parts);
    throw error;
  }
}
