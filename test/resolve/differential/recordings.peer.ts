import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { readRecording, recordings } from './recordings.ts';

for (const recording of recordings) {
  const name = path.relative(path.join(import.meta.dirname, '..'), recording.file.pathname);
  test(`${name} has what the peer answers today`, async ({ signal }) => {
    const [kept, answers] = [readRecording(recording), await recording.ask(signal)];
    const why = `\`npm run record:peer\` writes ${name} anew`;
    assert.deepEqual(Object.keys(kept), Object.keys(answers), why);
    for (const [title, answer] of Object.entries(answers)) {
      assert.equal(steady(kept[title]), steady(answer), `${title}: ${why}`);
    }
  });
}

/** Protobuf's JSON puts a blank behind commas or not, as each build of it decides. */
function steady(answer: unknown): string {
  return JSON.stringify(answer, sorted).replaceAll(/([,:]) +/g, '$1');
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
