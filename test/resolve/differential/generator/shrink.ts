import { type Fields, isFields } from '../../../../runtime/shape.ts';
import type { Draft, Placed } from './draft.ts';

/**
 * A draft that still fails, with what does not matter taken out of it.
 * @param fails Whether a smaller one still does; asked at most `tries` times.
 */
export async function shrink(draft: Draft, fails: (draft: Draft) => Promise<boolean>, tries = 200): Promise<Draft> {
  let best = draft;
  for (let left = tries, found = true; found && left > 0; ) {
    found = false;
    for (const smaller of smallerThan(best)) {
      if (left-- <= 0) break;
      if (!(await fails(smaller))) continue;
      best = smaller;
      found = true;
      break;
    }
  }
  return best;
}

/** Drafts with one thing less, the large things first. */
function* smallerThan(draft: Draft): Generator<Draft> {
  for (const index of draft.files.keys()) yield { ...draft, files: draft.files.toSpliced(index, 1) };
  for (const index of draft.remote.keys()) yield { ...draft, remote: draft.remote.toSpliced(index, 1) };
  for (const [index, arg] of draft.args.entries()) {
    // A flag goes with its value.
    if (index < 2 || !arg.startsWith('-')) continue;
    const next = draft.args[index + 1];
    yield { ...draft, args: draft.args.toSpliced(index, next === undefined || next.startsWith('-') ? 1 : 2) };
  }
  for (const list of ['files', 'remote'] as const) {
    for (const [index, one] of draft[list].entries()) {
      for (const object of objectsOf(one)) yield { ...draft, [list]: draft[list].with(index, { ...one, object }) };
    }
  }
}

function* objectsOf({ object }: Placed): Generator<Fields> {
  for (const smaller of without(object)) if (isFields(smaller)) yield smaller;
}

/** A value with one of its parts gone, the outermost first. */
function* without(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    for (const index of value.keys()) yield value.toSpliced(index, 1);
    for (const [index, one] of value.entries()) for (const less of without(one)) yield value.with(index, less);
  } else if (isFields(value)) {
    for (const gone of Object.keys(value)) {
      yield Object.fromEntries(Object.entries(value).filter(([key]) => key !== gone));
    }
    for (const [key, one] of Object.entries(value)) for (const less of without(one)) yield { ...value, [key]: less };
  }
}
