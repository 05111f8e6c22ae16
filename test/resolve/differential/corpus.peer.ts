import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { corpus } from '../corpus/cases.ts';
import { differences } from './differences.ts';
import { judge } from './judge.ts';
import { type Commands, commands, outcomesOf } from './run.ts';

let programs: Commands;
before(async () => {
  programs = await commands(new AbortController().signal);
});
after(() => programs[Symbol.asyncDispose]());

for (const one of corpus) {
  test(`as tkn pac resolve: ${one.title}`, async () => {
    const { peers, ours } = await outcomesOf(one, programs);
    judge(one.title, peers, ours);
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
