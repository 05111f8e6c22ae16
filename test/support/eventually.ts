/** Resolves as soon as `check` holds; fails after a time that no healthy machine needs. */
export async function eventually(check: () => boolean, what = check.toString(), limitMs = 20_000): Promise<void> {
  for (const end = performance.now() + limitMs; !check(); ) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}
