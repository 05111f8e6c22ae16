import assert from 'node:assert/strict';
import { isFields } from '../../../runtime/shape.ts';
import { type Difference, differences } from './differences.ts';
import type { Outcome } from './outcome.ts';
import { differenceOf } from './verdict.ts';

/** Holds ours against the peer's, or against the list of differences. A listed one that is none fails too. */
export function judge(
  title: string,
  peers: Outcome,
  ours: Outcome,
  list: Readonly<Record<string, Difference>> = differences,
): void {
  const difference = differenceOf(peers, ours);
  const listed = Object.hasOwn(list, title) ? list[title] : undefined;
  if (listed !== undefined) {
    assert.ok(difference !== undefined, 'no longer a difference: take it from differences.ts');
    asListed(listed, ours);
  } else if (difference !== undefined) {
    assert.deepEqual(ours, { ...peers, said: ours.said }, difference);
    assert.fail(difference);
  }
}

function asListed({ ours: expected, why }: Difference, ours: Outcome): void {
  if ('refuses' in expected) {
    assert.equal(ours.code, 1, why);
    assert.match(ours.said, expected.refuses, why);
    return;
  }
  assert.equal(ours.code, 0, `${why}: ${ours.said}`);
  for (const [path, value] of Object.entries(expected.writes)) assert.deepEqual(at(ours.objects, path), value, why);
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => {
    if (Array.isArray(inner)) return inner[Number(key)];
    return isFields(inner) ? inner[key] : undefined;
  }, value);
}
