import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validate } from '../../runtime/resolve/check/validate.ts';
import { badCases, good } from './support/cases.ts';
import { edited, resolvedRuns } from './support/resolved.ts';

async function findings(text: string) {
  const [run] = await resolvedRuns(text);
  assert.ok(run);
  return validate(run);
}

test('Nothing is found in a run that is right', async () => {
  assert.deepEqual(await findings(good), []);
});

for (const { title, edit, says, at, refused } of badCases) {
  test(`Found: ${title}`, async () => {
    const [run] = await resolvedRuns(good);
    assert.ok(run);
    const found = await validate(edited(run, edit));
    const one = found.find(({ path, message }) => path === at && says.test(message));
    assert.ok(one, `expected ${says} at ${at}, but found ${JSON.stringify(found, undefined, 1)}`);
    assert.equal(one.severity, refused === 'never' ? 'warning' : 'error');
    if (refused === 'never') assert.ok(!found.some(({ severity }) => severity === 'error'), JSON.stringify(found));
  });
}

test('A finding names file and line of what was embedded, and findings are sorted by them', async () => {
  const found = await findings(`apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  name: r
spec:
  pipelineSpec:
    tasks:
      - name: one
        taskRef: { name: shared }
      - name: two
        runAfter: [three]
        taskRef: { name: remote }
---
apiVersion: tekton.dev/v1
kind: Task
metadata:
  name: shared
spec:
  steps:
    - image: a
      script: echo $(params.nope)
`);
  assert.deepEqual(
    found.map(({ where, path }) => `${where}: ${path}`),
    [
      'run.yaml, line 11: spec.pipelineSpec.tasks[1].runAfter[0]',
      'run.yaml, line 21: spec.pipelineSpec.tasks[0].taskSpec.steps[0].script',
    ],
  );
});

test('What is no object, and lists of other things than objects, are findings and no crash', async () => {
  const [run] = await resolvedRuns(good);
  assert.ok(run);
  for (const value of [null, 1, 'x', [], [null], [1], ['x'], {}, [[]]]) {
    for (const path of [
      'spec',
      'spec/params',
      'spec/pipelineSpec',
      'spec/pipelineSpec/tasks',
      'spec/pipelineSpec/tasks/0',
      'metadata',
    ]) {
      await validate(edited(run, { [path]: value }));
    }
  }
});
