import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isFields } from '../../../runtime/shape.ts';
import { type Draft, rendered } from './generator/draft.ts';
import { generate } from './generator/generate.ts';
import { shrink } from './generator/shrink.ts';
import { parallel } from './parallel.ts';
import { type Commands, commands, outcomesOf } from './run.ts';
import { differenceOf } from './verdict.ts';

// `SUBPIPE_SEED=5000 SUBPIPE_COUNT=2000 node --test test/resolve/differential/generated.peer.ts` looks at others.
const first = Number(process.env.SUBPIPE_SEED ?? 1);
const count = Number(process.env.SUBPIPE_COUNT ?? 250);

let programs: Commands;
before(async () => {
  programs = await commands(new AbortController().signal);
});
after(() => programs[Symbol.asyncDispose]());

test(`Folders made by chance, seeds ${first} to ${first + count - 1}: the same as the peer`, async (t) => {
  const seeds = Array.from({ length: count }, (_, index) => first + index);
  let refused = 0;
  const failed = await parallel(seeds, async (seed) => {
    const { difference, code } = await compare(generate(seed));
    if (code !== 0) refused++;
    return difference === undefined ? [] : [{ seed, difference }];
  });
  t.diagnostic(`${count - refused} resolved, ${refused} refused`);
  const [worst] = failed.flat();
  if (worst === undefined) return;
  const kind = worst.difference.slice(0, 30);
  const small = await shrink(generate(worst.seed), async (draft) => {
    const { difference } = await compare(draft).catch(() => ({ difference: undefined }));
    return difference?.startsWith(kind) === true;
  });
  assert.fail(`${failed.flat().length} of ${count} differ, the first by seed ${worst.seed}:\n${await report(small)}`);
});

async function compare(draft: Draft): Promise<{ difference: string | undefined; code: number }> {
  const { peers, ours } = await outcomesOf(rendered(draft), programs);
  return { difference: differenceOf(peers, ours), code: peers.code };
}

/** All that somebody needs to see it again. */
async function report(draft: Draft): Promise<string> {
  const one = rendered(draft);
  const { peers, ours } = await outcomesOf(one, programs);
  const files = Object.entries({ ...one.files, ...one.remote }).map(([path, text]) => `# ${path}\n${text}`);
  const shown = [peers, ours].map(({ objects }) => JSON.stringify(objects, sorted, 1));
  return [
    differenceOf(peers, ours),
    `flags: ${one.args?.join(' ')}`,
    ...files,
    '# the peer',
    shown[0],
    '# ours',
    shown[1],
  ].join('\n');
}

function sorted(_key: string, value: unknown): unknown {
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
