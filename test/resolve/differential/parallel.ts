/** Does work on all, some at a time; the results in the order of what came. */
export async function parallel<T, R>(
  all: readonly T[],
  work: (one: T, index: number) => Promise<R>,
  width = 4,
): Promise<R[]> {
  const results: R[] = [];
  const entries = all.entries();
  const worker = async (): Promise<void> => {
    for (const [index, one] of entries) results[index] = await work(one, index);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
