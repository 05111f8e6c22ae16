import { invalid } from '../../errors.ts';

type Given = Record<string, string | readonly string[] | undefined>;

/** Flags that make no sense for a cache. @throws SubpipeError `INVALID` that names the one that is given. */
export function refuseWithKey(flags: Given): void {
  const [flag] = given(flags);
  if (flag !== undefined)
    throw invalid(`${flag} and --key are both given: a cache has no ${flag.slice(2)}, leave one out`);
}

/** Flags that say nothing without a key. @throws SubpipeError `INVALID` that names the one that is given. */
export function needsKey(flags: Given): void {
  const [flag] = given(flags);
  if (flag !== undefined) throw invalid(`${flag} is given, but no --key: expected the key of a cache`);
}

function given(flags: Given): string[] {
  return Object.keys(flags).filter((flag) => (flags[flag]?.length ?? 0) > 0);
}
