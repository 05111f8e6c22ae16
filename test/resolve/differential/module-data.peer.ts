import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fieldsOf, isFields } from '../../../runtime/shape.ts';
import { parseYamlAll } from '../../../runtime/yaml.ts';
import type { CorpusCase } from '../corpus/case.ts';
import { moduleDifferences } from './differences.ts';
import { judge } from './judge.ts';
import { parallel } from './parallel.ts';
import { peerSources } from './programs.ts';
import { commands, outcomesOf } from './run.ts';

// The peer's own test data, read where Go keeps it: nothing of it is in this repository.
const folders = [
  'pkg/resolve/testdata',
  'pkg/cmd/tknpac/resolve/testdata',
  'test/testdata',
  'test/testdata/failures',
  'samples',
];

test("The peer's own test data: the same as the peer", async (t) => {
  const sources = await peerSources(t.signal);
  const cases = await dataIn(sources);
  assert.ok(cases.length > 60, `${cases.length} files`);
  await using programs = await commands(t.signal);
  const outcomes = await parallel(cases, (one) => outcomesOf(one, programs));
  for (const [index, one] of cases.entries()) {
    const outcome = outcomes[index];
    assert.ok(outcome);
    await t.test(one.title, () => judge(one.title, outcome.peers, outcome.ours, moduleDifferences));
  }
  const titles = cases.map(({ title }) => title);
  assert.deepEqual(
    Object.keys(moduleDifferences).filter((title) => !titles.includes(title)),
    [],
  );
});

async function dataIn(sources: string): Promise<CorpusCase[]> {
  const cases: CorpusCase[] = [];
  for (const folder of folders) {
    const names = await readdir(path.join(sources, folder)).catch(() => []);
    for (const name of names.filter((one) => /\.ya?ml$/.test(one)).sort()) {
      const text = await readFile(path.join(sources, folder, name), 'utf8');
      // No test asks the network: what would be fetched stays a reference.
      const args = ['-f', '.tekton', ...((await isRemote(text)) ? ['--remoteTask=false'] : [])];
      cases.push({ title: `${folder}/${name}`, files: { '.tekton/data.yaml': text }, args });
    }
  }
  return cases;
}

/** Whether annotations name anything that is no path. */
async function isRemote(text: string): Promise<boolean> {
  const documents = await parseYamlAll(text, 'data').catch(() => undefined);
  if (documents === undefined) return true;
  return documents.filter(isFields).some(({ metadata }) => {
    const annotations = isFields(metadata) && isFields(metadata.annotations) ? metadata.annotations : {};
    return Object.entries(fieldsOf(annotations, 'annotations')).some(
      ([key, value]) =>
        /^pipelinesascode\.tekton\.dev\/(task|pipeline)/.test(key) &&
        String(value)
          .split(',')
          .some((word) => word.includes('://') || !word.includes('/')),
    );
  });
}
