import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { corpus } from '../corpus/cases.ts';
import { differences } from './differences.ts';
import { judge } from './judge.ts';
import type { Outcome } from './outcome.ts';
import { parallel } from './parallel.ts';
import { commands, outcomesOf } from './run.ts';

// Both programs run on all cases at once, as far as there are processors; then each case is judged.
const outcomes = new Map<string, { peers: Outcome; ours: Outcome }>();
before(async () => {
  await using programs = await commands(new AbortController().signal);
  await parallel(corpus, async (one) => {
    outcomes.set(one.title, await outcomesOf(one, programs));
  });
});

for (const { title } of corpus) {
  test(`as tkn pac resolve: ${title}`, () => {
    const outcome = outcomes.get(title);
    assert.ok(outcome);
    judge(title, outcome.peers, outcome.ours);
  });
}

test('every difference on the list is of a case', () => {
  const titles = new Set(corpus.map(({ title }) => title));
  assert.equal(titles.size, corpus.length);
  assert.deepEqual(
    Object.keys(differences).filter((title) => !titles.has(title)),
    [],
  );
});
