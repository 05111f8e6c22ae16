import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fieldsOf } from '../../../runtime/shape.ts';
import { pacResolve } from '../../../steps/pac-resolve/step.ts';
import { execute } from '../../support/step.ts';
import { judge } from '../differential/judge.ts';
import { type Outcome, outcomeOf } from '../differential/outcome.ts';
import { placeOf } from '../differential/place.ts';
import type { CorpusCase } from './case.ts';
import { corpus } from './cases.ts';

// What tkn pac resolve itself makes of the cases, as differential/record.ts has asked it. A test of Go's holds that up to date.
const answers = fieldsOf(JSON.parse(readFileSync(new URL('answers.json', import.meta.url), 'utf8')), 'answers.json');

for (const one of corpus) {
  test(`as tkn pac resolve, recorded: ${one.title}`, async () => {
    const { code, said, objects } = fieldsOf(answers[one.title], one.title);
    const peers = { code: Number(code), said: String(said), objects: Array.isArray(objects) ? objects : [] };
    judge(one.title, peers, await outcome(one));
  });
}

/** The step in this process, in the working directory that its command would be in: one after the other. */
async function outcome(one: CorpusCase): Promise<Outcome> {
  await using place = await placeOf(one);
  const before = process.cwd();
  process.chdir(place.folder);
  try {
    const { code, stdout, stderr } = await execute(pacResolve, place.args, { env: place.env });
    const written =
      place.output === undefined ? undefined : await readFile(place.output, 'utf8').catch(() => undefined);
    return await outcomeOf({ code, stdout, stderr, written }, place.remote);
  } finally {
    process.chdir(before);
  }
}
