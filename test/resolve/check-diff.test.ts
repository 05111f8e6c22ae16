import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffRuns } from '../../runtime/resolve/check/diff.ts';
import { resolvedRuns } from './support/resolved.ts';

const run = (name: string, image: string): string => `---
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  name: ${name}
spec:
  pipelineSpec:
    tasks:
      - name: build
        taskSpec:
          steps:
            - image: ${image}
`;

test('A diff tells by name which runs were added, removed, changed and stayed', async () => {
  const before = await resolvedRuns(run('gone', 'a') + run('same', 'a') + run('pull', 'node:24'));
  const after = await resolvedRuns(run('pull', 'node:26') + run('same', 'a') + run('new', 'a'));
  const diffs = await diffRuns(before, after, { before: 'main', after: 'HEAD' });
  assert.deepEqual(
    diffs.map(({ name, change }) => `${name} ${change}`),
    ['gone removed', 'new added', 'pull changed', 'same same'],
  );
  const changed = diffs.find(({ name }) => name === 'pull')?.text ?? '';
  assert.match(changed, /^--- pull \(main\)\n\+\+\+ pull \(HEAD\)\n@@ /m);
  assert.match(changed, /^- {12}- image: node:24$|^-.*image: node:24$/m);
  assert.match(changed, /^\+.*image: node:26$/m);
  assert.equal(diffs.find(({ name }) => name === 'same')?.text, '');
});

test('The order in which fields are written is no change', async () => {
  const [text] = [run('one', 'a')];
  const moved = text.replace('kind: PipelineRun\n', '').replace('spec:\n', 'kind: PipelineRun\nspec:\n');
  const diffs = await diffRuns(await resolvedRuns(text), await resolvedRuns(moved));
  assert.deepEqual(
    diffs.map(({ change }) => change),
    ['same'],
  );
});
