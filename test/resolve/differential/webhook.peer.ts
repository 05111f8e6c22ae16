import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { validate } from '../../../runtime/resolve/check/validate.ts';
import type { ResolvedRun } from '../../../runtime/resolve/resolved.ts';
import { tektonSource } from '../schema/source.ts';
import { badCases, good } from '../support/cases.ts';
import { edited, resolvedRuns } from '../support/resolved.ts';
import { programOf } from './programs.ts';

// Tekton's own code as the judge of our rules. It needs Go: `node --test test/resolve/differential/*.peer.ts`.

async function verdicts(runs: readonly ResolvedRun[], signal: AbortSignal): Promise<string[]> {
  const program = await programOf('webhook', signal);
  const input = `${runs.map(({ run }) => JSON.stringify(run)).join('\n')}\n`;
  const { stdout } = spawnSync(program, { input, encoding: 'utf8', maxBuffer: 64e6 });
  return stdout
    .trim()
    .split('\n')
    .map((line) => String(JSON.parse(line)));
}

test("Tekton's webhook refuses what the table says, and nothing else", async ({ signal }) => {
  const [run] = await resolvedRuns(good);
  assert.ok(run);
  const [ofGood, ...ofBad] = await verdicts([run, ...badCases.map(({ edit }) => edited(run, edit))], signal);
  assert.equal(ofGood, '');
  for (const [index, { title, refused }] of badCases.entries()) {
    assert.equal(
      ofBad[index] !== '',
      refused === 'webhook',
      `${title}: the webhook says ${JSON.stringify(ofBad[index])}`,
    );
  }
});

test("There is no error in Tekton's examples where its webhook takes them, and a finding where it does not", async (t) => {
  const source = await tektonSource();
  const folder = path.join(source, 'examples/v1');
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.yaml')).sort();
  const runs: ResolvedRun[] = [];
  for (const name of files) runs.push(...(await resolvedRuns(await readFile(path.join(folder, name), 'utf8'), name)));
  assert.ok(runs.length > 70);
  const said = await verdicts(runs, t.signal);
  for (const [index, run] of runs.entries()) {
    const found = await validate(run);
    if (said[index] !== '') assert.notDeepEqual(found, [], `${run.origin.file}: ${said[index]}`);
    else
      assert.deepEqual(
        found.filter(({ severity }) => severity === 'error'),
        [],
        run.origin.file,
      );
  }
});
